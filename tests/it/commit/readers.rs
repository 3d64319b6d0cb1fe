//! Readers whose part is deleted while they read: the error names the run that replaced it, and no reader sees rows of
//! both runs.

use crate::support::process_output::ProcessOutput;
use crate::support::s3_gate::When;
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;

const RUN: &str = "run ./sales --input sales/sample --output s3://bucket/out";

/// Publishes a table, and writes a job that reads it.
fn published(server: &S3Server) -> Sandbox {
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox.run("new job sales").succeeds();
    sandbox.run(RUN).succeeds();
    sandbox.write(
        "cities/job.toml",
        "name = \"cities\"\n\
         [inputs.daily_sales]\n\
         table = \"sales.daily_sales\"\n\
         [outputs.cities]\n\
         sql = \"select city, sum(revenue) as revenue from daily_sales group by city\"\n\
         [outputs.cities.columns]\n\
         city = \"string\"\n\
         revenue = \"decimal(28,2)\"\n",
    );
    sandbox
}

fn run_id(sandbox: &Sandbox, record: usize) -> String {
    let log = sandbox.json("runs sales --output s3://bucket/out");
    log[record - 1]["run"].as_str().unwrap().to_owned()
}

/// Holds a reader back until another run has replaced the part that it is about to read.
fn replace_under(reader: &str) {
    let server = S3Server::start();
    let sandbox = published(&server);
    let held = server.gate.hold(When::Before, 1, |request| {
        request.reads() && request.key.starts_with("out/sales/daily_sales/")
    });
    let words: Vec<&str> = reader.split('|').collect();
    let child = sandbox.start_words(&words);
    held.reached();
    sandbox.run(&format!("{RUN} --force")).succeeds();
    held.resume();
    let replacer = format!("replaced by run `{}` (record 2)", run_id(&sandbox, 2));
    ProcessOutput::wait_for(child).fails(
        75,
        &[
            &replacer,
            "s3://bucket/out/sales/daily_sales/day=",
            "run the same command again",
        ],
    );
    sandbox.run_words(&words).succeeds();
}

#[test]
fn a_query_names_the_run_that_replaced_its_part() {
    replace_under("query|select sum(revenue) from daily_sales|--output|s3://bucket/out");
}

#[test]
fn a_downstream_job_names_the_run_that_replaced_its_part() {
    replace_under("run|./cities|--output|s3://bucket/out");
}

#[test]
fn a_part_that_was_replaced_between_log_and_listing_is_named_too() {
    let server = S3Server::start();
    let sandbox = published(&server);
    let held = server.gate.hold(When::Before, 1, |request| {
        request.lists() && request.key.starts_with("out/sales/daily_sales")
    });
    let child = sandbox.start("run ./cities --output s3://bucket/out");
    held.reached();
    sandbox.run(&format!("{RUN} --force")).succeeds();
    held.resume();
    let replacer = format!("replaced by run `{}` (record 2)", run_id(&sandbox, 2));
    ProcessOutput::wait_for(child).fails(75, &[&replacer, "run the same command again"]);
}

#[test]
fn a_missing_part_that_no_run_replaced_is_reported_as_such() {
    let server = S3Server::start();
    let sandbox = published(&server);
    let day = server.path("out/sales/daily_sales/day=2024-03-01");
    for part in std::fs::read_dir(day).unwrap() {
        std::fs::remove_file(part.unwrap().path()).unwrap();
    }
    let says = ["outside Drivetrain", "drivetrain run sales --force"];
    sandbox
        .run("run ./cities --output s3://bucket/out")
        .fails(75, &says);
}

#[test]
fn a_query_whose_part_was_deleted_ends_with_exit_code_75() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 500 --seed 4 --out data");
    sandbox.json("run rental_facts --input data --output lake");
    let (name, _) = sandbox
        .files("lake/rental_facts")
        .into_iter()
        .next()
        .unwrap();
    // To a reader, a part deleted by hand looks like a part that a later run replaced.
    std::fs::remove_file(sandbox.path(&format!("lake/rental_facts/{name}"))).unwrap();
    sandbox
        .run_words(&[
            "query",
            "select count(total_amount) from rental_facts",
            "--output",
            "lake",
        ])
        .fails(75, &["hint:"]);
}
