//! The bundled pipeline over generated files, from the first command to the queries of the results.

use crate::support::sample_jobs::PIPELINE;
use crate::support::sandbox::Sandbox;

fn run_all(sandbox: &Sandbox) -> Vec<serde_json::Value> {
    PIPELINE
        .iter()
        .map(|job| sandbox.json(&format!("run {job} --input data --output lake")))
        .collect()
}

#[test]
fn local_generates_a_sample_and_runs_all_jobs_once() {
    let sandbox = Sandbox::new();
    let first = sandbox.run("local");
    first.succeeds();
    first.prints(&[
        "rental_facts",
        "location_metrics",
        "Which locations earn the most?",
        "tables       ",
    ]);
    let before = sandbox.files("drivetrain-data/processed");
    let second = sandbox.run("local");
    second.succeeds();
    assert_eq!(
        second.stderr.matches("already committed").count(),
        3,
        "{}",
        second.stderr
    );
    assert_eq!(sandbox.files("drivetrain-data/processed"), before);
}

#[test]
fn every_planted_line_of_dirt_is_quarantined_and_nothing_else() {
    let sandbox = Sandbox::new();
    let account = sandbox.json("generate --rentals 4000 --seed 11 --dirt 0.006 --out data");
    let report = sandbox.json("run rental_facts --input data --output lake");
    for input in report["inputs"].as_array().unwrap() {
        let name = input["name"].as_str().unwrap();
        let rows = |key: &str| input[key].as_u64().unwrap();
        assert_eq!(
            rows("rows"),
            rows("accepted_rows") + rows("quarantined_rows"),
            "{name}"
        );
        let planted = account["datasets"]
            .as_array()
            .unwrap()
            .iter()
            .find(|dataset| dataset["name"] == name)
            .unwrap();
        let planted_rows: u64 = planted["rejected"]
            .as_object()
            .unwrap()
            .values()
            .map(|class| class["rows"].as_u64().unwrap())
            .sum();
        let cascaded = planted["cascaded_rows"].as_u64().unwrap();
        assert_eq!(rows("quarantined_rows"), planted_rows + cascaded, "{name}");
        assert_eq!(rows("quarantined_by_reference_rows"), cascaded, "{name}");
        assert_eq!(
            rows("accepted_rows"),
            planted["accepted_rows"].as_u64().unwrap(),
            "{name}"
        );
        // There are so few locations that their share of invalid rows is less than one row.
        assert!(
            planted_rows > 0 || name == "locations",
            "{name}: no dirt was planted"
        );
    }
    let outputs = &report["outputs"][0];
    assert_eq!(outputs["rows"], 4000, "the clean rentals are all there");
    let quarantine = sandbox.files("lake/_drivetrain/rental_facts/quarantine");
    let names: Vec<_> = quarantine
        .iter()
        .filter_map(|(name, _)| name.rsplit('/').next())
        .collect();
    assert_eq!(names, ["rows.csv", "rows.parquet"]);
}

#[test]
fn metrics_reconcile_with_the_facts_to_the_cent() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 3000 --seed 3 --out data");
    run_all(&sandbox);
    let totals = sandbox.query(
        "select count(*), sum(total_amount) from rental_facts",
        "lake",
    );
    for sql in [
        "select sum(total_pickups), sum(total_revenue) from location_metrics",
        "select sum(total_rentals), sum(total_revenue) from vehicle_type_metrics",
        "select sum(total_rentals), sum(total_revenue) from brand_metrics",
        "select sum(total_transactions), sum(total_revenue) from daily_metrics",
        "select sum(total_rentals), sum(total_spent) from user_metrics",
        "select sum(total_transactions), sum(total_revenue) from hourly_metrics",
        "select sum(total_transactions), sum(total_revenue) from day_of_week_metrics",
    ] {
        assert_eq!(sandbox.query(sql, "lake"), totals, "{sql}");
    }
}

#[test]
fn rows_do_not_depend_on_the_number_of_threads() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 3000 --seed 5 --dirt 0.004 --out data");
    for threads in ["1", "3"] {
        for job in PIPELINE {
            sandbox.json(&format!(
                "run {job} --input data --output lake{threads} --threads {threads}"
            ));
        }
    }
    for table in [
        "rental_facts",
        "location_metrics",
        "brand_metrics",
        "daily_metrics",
        "user_metrics",
        "hourly_metrics",
    ] {
        let sql = format!("select * from {table} order by 1, 2");
        assert_eq!(
            sandbox.query(&sql, "lake1"),
            sandbox.query(&sql, "lake3"),
            "{table}"
        );
    }
}

#[test]
fn a_window_replaces_its_partitions_and_no_other() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 2000 --seed 9 --out data");
    let run = "run rental_facts --input data --output lake";
    sandbox.json(run);
    let days = sandbox.query(
        "select distinct rental_date from rental_facts order by 1",
        "lake",
    );
    let (from, to) = (&days[10], &days[12]);
    let before = sandbox.files("lake/rental_facts");
    let report = sandbox.json(&format!("{run} --param from={from} --param to={to}"));
    let rows = report["outputs"][0]["rows"].as_u64().unwrap();
    let filtered = report["outputs"][0]["filtered_rows"].as_u64().unwrap();
    assert_eq!(rows + filtered, 2000);
    let after = sandbox.files("lake/rental_facts");
    let outside = |files: &[(String, Vec<u8>)]| {
        files
            .iter()
            .filter(|(name, _)| {
                !days[10..=12]
                    .iter()
                    .any(|day| name.contains(&format!("rental_date={day}/")))
            })
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(outside(&before), outside(&after));
    assert_ne!(before, after);
    assert_eq!(
        sandbox.query("select count(*) from rental_facts", "lake"),
        ["2000"]
    );
}
