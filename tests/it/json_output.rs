//! `--output-format json`: every verb answers one JSON document on standard output, also when it fails.

use serde_json::Value;

use crate::harness::Place;

fn answer(place: &Place, line: &str, code: i32) -> Value {
    let ran = place.run(&format!("{line} --output-format json"));
    assert_eq!(ran.code, Some(code), "{line}\n{}{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{line}: {error}\n{}", ran.stdout))
}

#[test]
fn every_verb_answers_one_document() {
    let place = Place::new();
    for line in [
        "generate --rentals 200 --out data",
        "jobs",
        "jobs rental_facts",
        "new job sales",
        "check ./sales",
        "plan rental_facts --input data --output lake",
        "run rental_facts --input data --output lake",
        "run rental_facts --input data --output lake",
        "runs rental_facts --output lake",
        "repair rental_facts --output lake",
        "vacuum rental_facts --output lake",
        "local",
    ] {
        answer(&place, line, 0);
    }
    let report = answer(&place, "run rental_facts --input data --output lake", 0);
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

#[test]
fn every_failure_answers_one_document() {
    let place = Place::new();
    place.run("new job sales").succeeds();
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
        let answered = answer(&place, line, code);
        assert_eq!(answered["status"], "failed", "{line}");
        assert_eq!(answered["error"]["name"], name, "{line}");
        assert_eq!(answered["error"]["exit_code"], code, "{line}");
        assert!(answered["error"]["hint"].is_string(), "{answered}");
    }
    place.write("sales/job.toml", "name = \"sales\"\n");
    let answered = answer(&place, "check ./sales", 2);
    assert!(
        !answered["diagnostics"].as_array().unwrap().is_empty(),
        "{answered}"
    );
}

#[test]
fn what_is_wrong_with_the_command_is_told_whole() {
    let place = Place::new();
    let answered = answer(&place, "run", 2);
    assert_eq!(
        answered["error"]["message"],
        "the following required arguments were not provided: --output <URL>, <JOB>"
    );
    let answered = answer(&place, "run a --output b --forse", 2);
    assert_eq!(
        answered["error"]["message"],
        "unexpected argument '--forse' found"
    );
    assert_eq!(
        answered["error"]["hint"],
        "a similar argument exists: '--force'"
    );
}
