//! Appends, and the rebuild that their refusals ask for: each object's rows are in the table once, whatever the order of modes.

use crate::support::harness::Place;

const RUN: &str = "run ./events --input data --output lake";

fn job(place: &Place, mode: &str, kind: &str) {
    place.write(
        "events/job.toml",
        format!(
            "name = \"events\"\n\
             [inputs.events.columns]\n\
             id = \"{kind}\"\n\
             [outputs.happenings]\n\
             sql = \"select id from events\"\n\
             mode = \"{mode}\"\n\
             [outputs.happenings.columns]\n\
             id = \"{kind}\"\n"
        ),
    );
}

fn put(place: &Place, name: &str, id: &str) {
    place.write(&format!("data/raw/events/{name}"), format!("id\n{id}\n"));
}

fn ids(place: &Place) -> Vec<String> {
    place.query("select id from happenings order by id", "lake")
}

#[test]
fn an_append_after_the_rebuild_that_its_refusal_asks_for_adds_nothing_twice() {
    let place = Place::new();
    job(&place, "append", "int");
    put(&place, "3.csv", "3");
    place.run(RUN).succeeds();

    job(&place, "append", "bigint");
    put(&place, "4.csv", "4");
    place.run(RUN).fails(2, &["`mode = \"replace\"`"]);
    job(&place, "replace", "bigint");
    place.run(RUN).succeeds();
    assert_eq!(ids(&place), ["3", "4"]);

    job(&place, "append", "bigint");
    place.run(RUN).succeeds();
    assert_eq!(ids(&place), ["3", "4"]);
    put(&place, "5.csv", "5");
    place.run(RUN).succeeds();
    assert_eq!(ids(&place), ["3", "4", "5"]);
}

#[test]
fn an_append_goes_on_after_a_changed_object_was_rebuilt() {
    let place = Place::new();
    job(&place, "append", "int");
    put(&place, "1.csv", "1");
    place.run(RUN).succeeds();

    put(&place, "1.csv", "10");
    place
        .run(RUN)
        .fails(5, &["1.csv", "has changed", "`mode = \"replace\"`"]);
    job(&place, "replace", "int");
    place.run(RUN).succeeds();
    job(&place, "append", "int");
    put(&place, "2.csv", "2");
    place.run(RUN).succeeds();
    assert_eq!(ids(&place), ["2", "10"]);

    // What the rebuild replaced is no answer any more: the object as it first was is another version of what the table holds.
    std::fs::remove_file(place.path("data/raw/events/2.csv")).unwrap();
    put(&place, "1.csv", "1");
    place.run(RUN).fails(5, &["1.csv", "has changed"]);
    assert_eq!(ids(&place), ["2", "10"]);
}

#[test]
fn a_table_that_was_never_appended_to_is_appended_to_without_what_it_holds() {
    let place = Place::new();
    job(&place, "replace", "int");
    put(&place, "1.csv", "1");
    place.run(RUN).succeeds();
    job(&place, "append", "int");
    put(&place, "2.csv", "2");
    place.run(RUN).succeeds();
    assert_eq!(ids(&place), ["1", "2"]);
}
