//! Appends, and the rebuild that a refused append asks for. Whatever the order of both, the rows of each object are in
//! the table once.

use crate::support::sandbox::Sandbox;

const RUN: &str = "run ./events --input data --output lake";

fn job(sandbox: &Sandbox, mode: &str, kind: &str) {
    sandbox.write(
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

fn put(sandbox: &Sandbox, name: &str, id: &str) {
    sandbox.write(&format!("data/raw/events/{name}"), format!("id\n{id}\n"));
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    sandbox.query("select id from happenings order by id", "lake")
}

#[test]
fn an_append_after_the_rebuild_that_its_refusal_asks_for_adds_nothing_twice() {
    let sandbox = Sandbox::new();
    job(&sandbox, "append", "int");
    put(&sandbox, "3.csv", "3");
    sandbox.run(RUN).succeeds();

    job(&sandbox, "append", "bigint");
    put(&sandbox, "4.csv", "4");
    sandbox.run(RUN).fails(2, &["`mode = \"replace\"`"]);
    job(&sandbox, "replace", "bigint");
    sandbox.run(RUN).succeeds();
    assert_eq!(ids(&sandbox), ["3", "4"]);

    job(&sandbox, "append", "bigint");
    sandbox.run(RUN).succeeds();
    assert_eq!(ids(&sandbox), ["3", "4"]);
    put(&sandbox, "5.csv", "5");
    sandbox.run(RUN).succeeds();
    assert_eq!(ids(&sandbox), ["3", "4", "5"]);
}

#[test]
fn an_append_continues_after_the_rebuild_of_a_changed_object() {
    let sandbox = Sandbox::new();
    job(&sandbox, "append", "int");
    put(&sandbox, "1.csv", "1");
    sandbox.run(RUN).succeeds();

    put(&sandbox, "1.csv", "10");
    sandbox
        .run(RUN)
        .fails(5, &["1.csv", "has changed", "`mode = \"replace\"`"]);
    job(&sandbox, "replace", "int");
    sandbox.run(RUN).succeeds();
    job(&sandbox, "append", "int");
    put(&sandbox, "2.csv", "2");
    sandbox.run(RUN).succeeds();
    assert_eq!(ids(&sandbox), ["2", "10"]);

    // The append before the rebuild no longer counts as done: it read another version of the object than the table
    // contains.
    std::fs::remove_file(sandbox.path("data/raw/events/2.csv")).unwrap();
    put(&sandbox, "1.csv", "1");
    sandbox.run(RUN).fails(5, &["1.csv", "has changed"]);
    assert_eq!(ids(&sandbox), ["2", "10"]);
}

#[test]
fn the_first_append_to_a_replaced_table_skips_what_it_holds() {
    let sandbox = Sandbox::new();
    job(&sandbox, "replace", "int");
    put(&sandbox, "1.csv", "1");
    sandbox.run(RUN).succeeds();
    job(&sandbox, "append", "int");
    put(&sandbox, "2.csv", "2");
    sandbox.run(RUN).succeeds();
    assert_eq!(ids(&sandbox), ["1", "2"]);
}
