//! Readers whose part is taken away from under them: told which run did it, and never given a mixture.

use crate::support::backends::Cloud;
use crate::support::s3_gate::When;
use crate::support::sandbox::{ProcessOutput, Sandbox};

const RUN: &str = "run ./sales --input sales/sample --output s3://bucket/out";

/// A job whose table is published, and one downstream of it.
fn published(cloud: &Cloud) -> Sandbox {
    let sandbox = Sandbox::with(cloud.variables());
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

/// Lets the reader go on only when another run has replaced what it is about to read.
fn replaced_under(reader: &str) {
    let cloud = Cloud::start();
    let sandbox = published(&cloud);
    let held = cloud.gate.hold(When::Before, 1, |asked| {
        asked.reads() && asked.key.starts_with("out/sales/daily_sales/")
    });
    let words: Vec<&str> = reader.split('|').collect();
    let mut command = sandbox.command(&words);
    let child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    held.reached();
    sandbox.run(&format!("{RUN} --force")).succeeds();
    held.go_on();
    let replacer = format!("replaced by run `{}` (record 2)", run_id(&sandbox, 2));
    ProcessOutput::of(child).fails(
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
    replaced_under("query|select sum(revenue) from daily_sales|--output|s3://bucket/out");
}

#[test]
fn a_downstream_job_names_the_run_that_replaced_its_part() {
    replaced_under("run|./cities|--output|s3://bucket/out");
}

#[test]
fn a_part_that_was_replaced_between_log_and_listing_is_named_too() {
    let cloud = Cloud::start();
    let sandbox = published(&cloud);
    let held = cloud.gate.hold(When::Before, 1, |asked| {
        asked.lists() && asked.key.starts_with("out/sales/daily_sales")
    });
    let child = sandbox.start("run ./cities --output s3://bucket/out");
    held.reached();
    sandbox.run(&format!("{RUN} --force")).succeeds();
    held.go_on();
    let replacer = format!("replaced by run `{}` (record 2)", run_id(&sandbox, 2));
    ProcessOutput::of(child).fails(75, &[&replacer, "run the same command again"]);
}

#[test]
fn a_part_that_no_run_took_away_is_said_to_be_so() {
    let cloud = Cloud::start();
    let sandbox = published(&cloud);
    let day = cloud.path("out/sales/daily_sales/day=2024-03-01");
    for part in std::fs::read_dir(day).unwrap() {
        std::fs::remove_file(part.unwrap().path()).unwrap();
    }
    let says = ["by no run in the log", "drivetrain run sales --force"];
    sandbox
        .run("run ./cities --output s3://bucket/out")
        .fails(75, &says);
}
