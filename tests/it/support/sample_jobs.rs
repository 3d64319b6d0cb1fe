//! Jobs that several tests run.

use super::process_output::ProcessOutput;
use super::sandbox::Sandbox;

/// The jobs of the bundled pipeline, in the order in which they run.
pub const PIPELINE: [&str; 3] = [
    "rental_facts",
    "vehicle_location_metrics",
    "user_transaction_analysis",
];

/// Returns a sandbox with the job `sales` after one run, whose output is in `lake`.
pub fn published_sales() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    sandbox
        .run("run ./sales --input ./sales/sample --output lake")
        .succeeds();
    sandbox
}

/// Runs the job `sales` after a change to its files. Asserts that the run fails and publishes nothing.
#[track_caller]
pub fn run_changed_sales(change: impl FnOnce(&Sandbox)) -> ProcessOutput {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    change(&sandbox);
    let ran = sandbox.run("run ./sales --input sales/sample --output lake");
    assert_ne!(ran.code, Some(0), "{}", ran.stdout);
    let published = sandbox.files("lake/sales");
    assert!(published.is_empty(), "{published:?}");
    assert_eq!(sandbox.files("lake/_drivetrain/sales/log").len(), 0);
    ran
}

/// Writes the job `small`. Its output `o` has the column `id`, which is an expression over the column `id` of the raw
/// dataset `c`.
pub fn write_small_job(sandbox: &Sandbox, expression: &str, kind: &str) {
    sandbox.write(
        "small/job.toml",
        format!(
            "name = \"small\"\n\
             [inputs.c.columns]\n\
             id = \"int not null\"\n\
             [outputs.o]\n\
             sql = \"select {expression} as id from c\"\n\
             [outputs.o.columns]\n\
             id = \"{kind}\"\n"
        ),
    );
}

/// Returns a sandbox with a small raw sample of the bundled pipeline, in `data`.
pub fn raw_sample() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 300 --seed 1 --out data");
    sandbox
}

/// Runs the job `rental_facts` over `data` into `lake`. Asserts that a failed run publishes nothing.
#[track_caller]
pub fn run_rental_facts(sandbox: &Sandbox, flags: &str) -> ProcessOutput {
    let line = format!("run rental_facts --input data --output lake {flags}");
    let ran = sandbox.run(&line);
    let published = sandbox.files("lake/rental_facts");
    assert!(ran.code == Some(0) || published.is_empty(), "{published:?}");
    ran
}
