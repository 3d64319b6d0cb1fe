//! Input and output roots that a run or a plan refuses: missing or empty input, nested roots, foreign objects.

use crate::support::sample_jobs::{raw_sample, run_changed_sales, run_rental_facts};
use crate::support::sandbox::Sandbox;

#[test]
fn missing_input_is_named() {
    let sandbox = raw_sample();
    std::fs::remove_dir_all(sandbox.path("data/raw/users")).unwrap();
    run_rental_facts(&sandbox, "").fails(3, &["raw/users"]);
    sandbox
        .run("run vehicle_location_metrics --input data --output lake")
        .fails(3, &["hint: first run job `rental_facts` with `--output "]);
    sandbox
        .run("local --data data")
        .fails(3, &["raw/users", "put a dataset's files into"]);
    sandbox
        .run("run rental_facts --input nowhere --output lake")
        .fails(3, &["nowhere"]);
}

#[test]
fn an_empty_prefix_is_missing_input() {
    let empty = |sandbox: &Sandbox| {
        std::fs::remove_file(sandbox.path("sales/sample/raw/orders/orders.csv")).unwrap();
    };
    run_changed_sales(empty).fails(3, &["raw/orders/` holds no objects", "check `--input`"]);
    run_changed_sales(|sandbox| {
        empty(sandbox);
        sandbox.write("sales/sample/raw/orders/_SUCCESS", "");
        sandbox.write("sales/sample/raw/orders/.part.csv.crc", "x");
    })
    .fails(
        3,
        &[
            "raw/orders/` holds only hidden objects or folder markers (2 in all)",
            "check `--input`",
        ],
    );
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    sandbox
        .run("run rental_facts --input file --output lake")
        .fails(3, &["`", "the path is not a folder", "hint:"]);
}

#[test]
fn an_output_root_inside_the_raw_data_is_refused_before_anything_is_written() {
    let sandbox = raw_sample();
    let raw = sandbox.files("data");
    sandbox
        .run("run rental_facts --input data --output data/raw")
        .fails(2, &["raw"]);
    sandbox
        .run("run rental_facts --input data --output data/raw/users/lake")
        .fails(2, &["raw"]);
    assert_eq!(sandbox.files("data"), raw);
}

#[test]
fn raw_data_inside_a_table_is_refused_before_anything_is_written() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    std::fs::create_dir_all(sandbox.path("lake/sales/daily_sales")).unwrap();
    std::fs::rename(
        sandbox.path("sales/sample"),
        sandbox.path("lake/sales/daily_sales/in"),
    )
    .unwrap();
    let before = sandbox.files("lake");
    sandbox
        .run("run ./sales --input lake/sales/daily_sales/in --output lake")
        .fails(2, &["is inside the table", "choose another `--output`"]);
    assert_eq!(sandbox.files("lake"), before);
}

#[test]
fn a_foreign_object_is_refused_by_name_unless_it_may_be_replaced() {
    let sandbox = raw_sample();
    sandbox.write(
        "lake/rental_facts/rental_facts/rental_date=2024-01-01/theirs.parquet",
        "not ours",
    );
    let ran = sandbox.run("run rental_facts --input data --output lake");
    ran.fails(5, &["theirs.parquet", "--replace-foreign"]);
    sandbox
        .run("run rental_facts --input data --output lake --replace-foreign")
        .succeeds();
    let left = sandbox.files("lake/rental_facts");
    assert!(!left.iter().any(|(name, _)| name.contains("theirs")));
}

#[test]
fn a_plan_makes_the_checks_that_its_run_makes_before_it_reads() {
    let sandbox = raw_sample();
    let both = |flags: &str, code: i32, says: &[&str]| {
        for verb in ["plan", "run"] {
            let line = format!("{verb} rental_facts --input data {flags}");
            sandbox.run(&line).fails(code, says);
        }
    };
    both("--output data/raw", 2, &["is inside the raw data"]);
    both(
        "--output lake --check nonsense",
        2,
        &["no check `nonsense`"],
    );
    assert!(!sandbox.path("lake").exists());

    sandbox.write("lake/rental_facts/rental_facts/foreign.parquet", "no");
    let lake = sandbox.files("lake");
    sandbox
        .run("plan rental_facts --input data --output lake")
        .fails(5, &["foreign.parquet", "--replace-foreign"]);
    assert_eq!(sandbox.files("lake"), lake);
    both(
        "--output lake",
        5,
        &["foreign.parquet", "--replace-foreign"],
    );
    std::fs::remove_file(sandbox.path("lake/rental_facts/rental_facts/foreign.parquet")).unwrap();

    let run = "rental_facts --input data --output lake";
    let planned = sandbox.json(&format!("plan {run}"));
    assert!(planned["already_done"].is_null(), "{planned}");
    let report = sandbox.json(&format!("run {run}"));
    let planned = sandbox.json(&format!("plan {run}"));
    assert_eq!(planned["already_done"]["run_id"], report["run_id"]);
    assert_eq!(planned["writes"].as_array().unwrap().len(), 0);
    let text = sandbox.run(&format!("plan {run}")).stdout;
    assert!(
        text.contains("was already committed (record 1, run "),
        "{text}"
    );
    let forced = sandbox.json(&format!("plan {run} --force"));
    assert_ne!(forced["writes"][0]["replaced_files"], 0, "{forced}");
    assert!(forced["already_done"].is_null(), "{forced}");

    // If the inputs are tables, the versions of their parts decide whether the run is already done.
    let next = "vehicle_location_metrics --input data --output lake";
    let report = sandbox.json(&format!("run {next}"));
    let planned = sandbox.json(&format!("plan {next}"));
    assert_eq!(planned["already_done"]["run_id"], report["run_id"]);
}
