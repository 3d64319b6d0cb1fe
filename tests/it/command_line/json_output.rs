//! `--output-format json`: every command writes one JSON document to standard output, even after a failure.

use serde_json::Value;

use crate::support::sample_jobs::write_small_job;
use crate::support::sandbox::Sandbox;

#[test]
fn every_verb_prints_one_json_document() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "pass.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#,
    );
    let lines = [
        "generate --rentals 200 --out data",
        "jobs",
        "jobs rental_facts",
        "new job sales",
        "new machine orders",
        "check ./sales",
        "plan rental_facts --input data --output lake",
        "run rental_facts --input data --output lake",
        "run rental_facts --input data --output lake",
        "runs rental_facts --output lake",
        "register rental_facts --output lake --catalog file:catalog",
        "repair rental_facts --output lake",
        "vacuum rental_facts --output lake",
        "local",
        "simulate pass.asl.json --history history.json",
        "mocks --from-history history.json",
        "test orders",
        "test-state pass.asl.json --state A",
    ];
    for line in lines {
        sandbox.json_with_code(line, 0);
    }
    // `query` answers rows, one JSON object per line; every other verb must be in the list above.
    for verb in verbs(&sandbox).iter().filter(|verb| *verb != "query") {
        let is_tried = lines
            .iter()
            .any(|line| line.split(' ').next() == Some(verb));
        assert!(is_tried, "`{verb}` is not tried");
    }
    let report = sandbox.json_with_code("run rental_facts --input data --output lake", 0);
    assert_eq!(report["status"], "already_done");
    for key in [
        "inputs",
        "outputs",
        "checks",
        "stages",
        "requests",
        "versions",
        "peak_memory_bytes",
        "spilled_bytes",
    ] {
        assert!(!report[key].is_null(), "{key}: {report}");
    }
}

/// Returns the verbs that the help lists.
fn verbs(sandbox: &Sandbox) -> Vec<String> {
    let help = sandbox.run("--help").stdout;
    let listed = help.lines().filter_map(|line| line.strip_prefix("  "));
    let verbs: Vec<String> = listed
        .filter(|line| line.starts_with(|character: char| character.is_ascii_lowercase()))
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    assert!(verbs.len() > 10, "{help}");
    verbs
}

#[test]
fn every_failure_prints_one_json_document() {
    let sandbox = Sandbox::new();
    sandbox.run("new job sales").succeeds();
    for (line, code, name) in [
        ("run", 2, "Drivetrain.Usage"),
        (
            "run nonsense --input data --output lake",
            2,
            "Drivetrain.Usage",
        ),
        (
            "run rental_facts --input data --output lake --threads many",
            2,
            "Drivetrain.Usage",
        ),
        (
            "run rental_facts --input nowhere --output lake",
            3,
            "Drivetrain.InputMissing",
        ),
        (
            "query nonsense --output nowhere",
            3,
            "Drivetrain.InputMissing",
        ),
        ("runs sales --output nowhere", 3, "Drivetrain.InputMissing"),
    ] {
        let answered = sandbox.json_with_code(line, code);
        assert_eq!(answered["status"], "failed", "{line}");
        assert_eq!(answered["error"]["name"], name, "{line}");
        assert_eq!(answered["error"]["exit_code"], code, "{line}");
        assert!(answered["error"]["hint"].is_string(), "{answered}");
    }
    sandbox.write("sales/job.toml", "name = \"sales\"\n");
    let answered = sandbox.json_with_code("check ./sales", 2);
    assert!(
        !answered["diagnostics"].as_array().unwrap().is_empty(),
        "{answered}"
    );
}

#[test]
fn a_usage_error_is_reported_in_full() {
    let sandbox = Sandbox::new();
    let answered = sandbox.json_with_code("run", 2);
    assert_eq!(
        answered["error"]["message"],
        "the following required arguments were not provided: --output <URL>, <JOB>"
    );
    let answered = sandbox.json_with_code("run a --output b --forces", 2);
    assert_eq!(
        answered["error"]["message"],
        "unexpected argument '--forces' found"
    );
    assert_eq!(
        answered["error"]["hint"],
        "a similar argument exists: '--force'"
    );
}

#[test]
fn a_failed_run_reports_what_it_found_and_stores_the_report() {
    let sandbox = Sandbox::new();
    write_small_job(&sandbox, "10 / (id - 1)", "bigint");
    let run = "run ./small --input data --output lake";
    sandbox.write("data/raw/c/1.csv", "id\n3\nno number\n2\n");
    let report = sandbox.json_with_code(run, 4);
    assert_eq!(report["status"], "failed", "{report}");
    assert_eq!(report["record"], 0);
    assert_eq!(report["error"]["name"], "Drivetrain.QualityGate");
    let input = &report["inputs"][0];
    assert_eq!(input["rows"], 3, "{report}");
    assert_eq!(input["accepted_rows"], 2);
    assert_eq!(input["quarantined_rows"], 1);
    assert_eq!(input["rejected"]["type"], 1);
    let (run_id, attempt_id) = (&report["run_id"], &report["attempt_id"]);
    let below = format!(
        "small/quarantine/{}/{}",
        run_id.as_str().unwrap(),
        attempt_id.as_str().unwrap()
    );
    assert!(report["quarantine"].as_str().unwrap().ends_with(&below));
    assert_eq!(stored_reports(&sandbox), [report]);

    // This one fails in the query, after the rows were read.
    sandbox.write("data/raw/c/1.csv", "id\n3\n1\n");
    let later = sandbox.json_with_code(run, 4);
    assert_eq!(later["stages"][0]["name"], "read", "{later}");
    assert_eq!(later["inputs"][0]["accepted_rows"], 2);
    assert!(later["quarantine"].is_null());
    assert_eq!(stored_reports(&sandbox).len(), 2);

    // A failure before the run starts has no report, and a committed run has its report in the same folder.
    sandbox.write("data/raw/c/1.csv", "id\n3\n");
    let done = sandbox.json_with_code(run, 0);
    let reports = stored_reports(&sandbox);
    let committed: Vec<_> = reports
        .iter()
        .filter(|report| report["status"] == "committed")
        .collect();
    assert_eq!(committed.len(), 1);
    assert_eq!(committed[0]["run_id"], done["run_id"]);
    let refused = sandbox.json_with_code("run ./small --input nowhere --output lake", 3);
    assert!(refused["run_id"].is_null(), "{refused}");
    assert_eq!(stored_reports(&sandbox).len(), 3);
}

/// Returns the reports that the runs of the job `small` stored.
fn stored_reports(sandbox: &Sandbox) -> Vec<Value> {
    let files = sandbox.files("lake/_drivetrain/small/reports");
    let texts = files.iter().map(|(_, text)| text);
    texts
        .map(|text| serde_json::from_slice(text).unwrap())
        .collect()
}

#[test]
fn a_json_error_has_the_name_that_a_state_machine_sees() {
    let sandbox = Sandbox::new();
    let error = sandbox.json_with_code("run rental_facts --input nowhere --output lake", 3);
    assert_eq!(error["error"]["name"], "Drivetrain.InputMissing");
    assert_eq!(error["error"]["exit_code"], 3);
}
