//! The types of a table in the log, and runs whose types differ from them.

use crate::support::sandbox::Sandbox;

fn job(sandbox: &Sandbox, zone: &str, mode: &str) {
    sandbox.write(
        "events/job.toml",
        format!(
            "name = \"events\"\n\
             [parameters]\n\
             from = \"date\"\n\
             to = \"date\"\n\
             [inputs.events.columns]\n\
             id = \"int not null\"\n\
             at = {{ type = \"timestamp not null\"{zone} }}\n\
             [outputs.happenings]\n\
             sql = \"select id, at, cast(at as date) as day from events\"\n\
             partition_by = \"day\"\n\
             {mode}\n\
             [outputs.happenings.columns]\n\
             id = \"int not null\"\n\
             at = {{ type = \"timestamp not null\"{zone} }}\n\
             day = \"date not null\"\n"
        ),
    );
}

const UTC: &str = ", zone = \"UTC\"";
const WINDOW: &str = "window = \"day\"";

fn sandbox(zone: &str, mode: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("data/raw/events/a.csv", "id,at\n1,2024-03-01 10:00:00\n");
    job(&sandbox, zone, mode);
    sandbox
        .run("run ./events --input data --output lake")
        .succeeds();
    sandbox
}

fn type_read_back(sandbox: &Sandbox) -> Vec<String> {
    sandbox.query("select arrow_typeof(at), at from happenings", "lake")
}

#[test]
fn a_zone_is_recorded_and_read_back() {
    let with = sandbox(UTC, WINDOW);
    let record =
        std::fs::read_to_string(with.path("lake/_drivetrain/events/log/00000000000000000001.json"));
    let record = record.unwrap();
    assert!(
        record.contains("\"timestamp with time zone UTC\""),
        "{record}"
    );
    let read = type_read_back(&with);
    assert!(
        read[0].contains("UTC") && read[0].ends_with("2024-03-01T10:00:00Z"),
        "{read:?}"
    );
    let read = type_read_back(&sandbox("", WINDOW));
    assert!(
        !read[0].contains("UTC") && read[0].ends_with("2024-03-01 10:00:00"),
        "{read:?}"
    );
}

#[test]
fn a_window_or_an_append_onto_a_table_of_another_zone_is_refused_with_the_difference() {
    let says = [
        "column `at` is timestamp in the table, but the job writes timestamp with time zone UTC",
        "replaces the whole table",
    ];
    let window = sandbox("", WINDOW);
    job(&window, UTC, WINDOW);
    let run = "run ./events --input data --output lake";
    let before = window.files("lake/events");
    window
        .run(&format!("{run} --param from=2024-03-01"))
        .fails(2, &says);
    assert_eq!(window.files("lake/events"), before);
    window.run(run).succeeds();

    let append = sandbox("", "mode = \"append\"");
    job(&append, UTC, "mode = \"append\"");
    append.write("data/raw/events/b.csv", "id,at\n2,2024-03-02 10:00:00\n");
    append.run(run).fails(2, &[says[0], "`mode = \"replace\"`"]);
    assert_eq!(type_read_back(&append).len(), 1);
}

#[test]
fn a_job_downstream_sees_the_zone_and_refuses_a_table_without_it() {
    let sandbox = sandbox(UTC, WINDOW);
    sandbox.write(
        "last/job.toml",
        "name = \"last\"\n\
         [inputs.happenings]\n\
         table = \"events.happenings\"\n\
         [outputs.last]\n\
         sql = \"select max(at) as at from happenings\"\n\
         [outputs.last.columns]\n\
         at = { type = \"timestamp\", zone = \"UTC\" }\n",
    );
    sandbox.run("run ./last --output lake").succeeds();
    assert_eq!(
        sandbox.query("select at from last", "lake"),
        ["2024-03-01T10:00:00Z"]
    );
    job(&sandbox, "", WINDOW);
    sandbox
        .run("run ./events --input data --output lake")
        .succeeds();
    job(&sandbox, UTC, WINDOW);
    sandbox.run("run ./last --output lake").fails(
        2,
        &[
            "column `at` has type timestamp, expected timestamp with time zone UTC",
            "hint:",
        ],
    );
}
