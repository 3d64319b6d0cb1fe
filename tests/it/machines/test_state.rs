//! `drivetrain test-state`: one state by itself.

use serde_json::{Value, json};

use crate::support::harness::{Place, Ran};

const MACHINE: &str = r#"{"StartAt": "Charge", "States": {
    "Charge": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "ResultPath": "$.charge", "Next": "Done",
        "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 5, "MaxAttempts": 2}],
        "Catch": [{"ErrorEquals": ["CardRefused"], "ResultPath": "$.refused", "Next": "Done"}]},
    "Done": {"Type": "Succeed"}
}}"#;

fn place() -> Place {
    let place = Place::new();
    place.write("orders.asl.json", MACHINE);
    place.write(
        "pass.json",
        r#"{"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"sum": "{% $a + $states.context.Execution.Input.b %}"}, "End": true}"#,
    );
    place
}

fn charge(place: &Place, flags: &[&str]) -> Ran {
    let mut words = vec![
        "test-state",
        "orders.asl.json",
        "--state",
        "Charge",
        "--input",
        r#"{"id": 7}"#,
    ];
    words.extend(flags);
    place.run_words(&words)
}

fn object(ran: &Ran, code: i32) -> Value {
    assert_eq!(ran.code, Some(code), "{}{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_state_gives_its_output_and_what_follows() {
    let place = place();
    let mock = r#"{"result": {"paid": true}}"#;
    let ran = charge(&place, &["--mock", mock, "--output-format", "json"]);
    assert_eq!(
        object(&ran, 0),
        json!({"output": "{\"id\":7,\"charge\":{\"paid\":true}}", "nextState": "Done", "status": "SUCCEEDED"})
    );
    let shown = charge(&place, &["--mock", mock, "--level", "DEBUG"]);
    let text = &shown.succeeds().stdout;
    for expected in [
        "status",
        "SUCCEEDED",
        "next state",
        "afterInputPath",
        "afterResultPath",
    ] {
        assert!(text.contains(expected), "expected `{expected}` in\n{text}");
    }
}

#[test]
fn handlers_decide_the_status_and_a_failure_the_exit_code() {
    let place = place();
    let with = |error: &str, flags: &[&str], code: i32| {
        let mock = json!({"errorOutput": {"error": error, "cause": "why"}}).to_string();
        let mut all = vec!["--mock", mock.as_str(), "--output-format", "json"];
        all.extend(flags);
        object(&charge(&place, &all), code)
    };
    assert_eq!(with("Busy", &[], 0)["status"], "RETRIABLE");
    let used = r#"{"retrierRetryCount": 2}"#;
    assert_eq!(
        with("Busy", &["--configuration", used], 1)["status"],
        "FAILED"
    );
    let caught = with("CardRefused", &[], 0);
    assert_eq!(
        (&caught["status"], &caught["nextState"]),
        (&json!("CAUGHT_ERROR"), &json!("Done"))
    );
}

#[test]
fn variables_and_context_can_be_given() {
    let place = place();
    place.write("variables.json", r#"{"a": 1}"#);
    let ran = place.run_words(&[
        "test-state",
        "pass.json",
        "--variables",
        "variables.json",
        "--context",
        r#"{"Execution": {"Input": {"b": 2}}}"#,
        "--output-format",
        "json",
    ]);
    assert_eq!(object(&ran, 0)["output"], r#"{"sum":3}"#);
}

#[test]
fn the_requests_of_the_api_are_answered_with_its_responses() {
    let place = place();
    let request = json!({
        "definition": MACHINE, "stateName": "Charge", "input": "{\"id\":7}", "inspectionLevel": "DEBUG",
        "mock": {"result": "{\"paid\":true}", "fieldValidationMode": "NONE"},
        "stateConfiguration": {"retrierRetryCount": 1}
    });
    place.write("request.json", request.to_string());
    let response = object(&place.run("test-state --request request.json"), 0);
    assert_eq!(response["status"], "SUCCEEDED");
    assert_eq!(response["inspectionData"]["result"], "{\"paid\":true}");
    // JSON itself is taken where the API has JSON text.
    let mut plain = request.clone();
    plain["definition"] = serde_json::from_str(MACHINE).unwrap();
    plain["input"] = json!({"id": 7});
    plain["mock"]["result"] = json!({"paid": true});
    place.write("plain.json", plain.to_string());
    assert_eq!(
        object(&place.run("test-state --request plain.json"), 0),
        response
    );
}

#[test]
fn a_request_that_aws_refuses_is_refused() {
    let place = place();
    charge(&place, &[]).fails(2, &["state `Charge`", "lambda:invoke", "--mock"]);
    charge(&place, &["--mock", r#"{"result": 1}"#, "--reveal-secrets"])
        .fails(2, &["ValidationException", "RevealSecrets"]);
    charge(&place, &["--mock", r#"{"results": 1}"#]).fails(2, &["`results`", "errorOutput"]);
    charge(
        &place,
        &[
            "--mock",
            r#"{"result": 1}"#,
            "--configuration",
            r#"{"retries": 1}"#,
        ],
    )
    .fails(2, &["`retries`"]);
    charge(&place, &["--variables", "[1]"]).fails(2, &["`variables`"]);
    charge(&place, &["--context", "{"]).fails(2, &["--context"]);
    place
        .run("test-state orders.asl.json --state Nope")
        .fails(2, &["State not found"]);
    place.write("bad.json", r#"{"Type": "Pas"}"#);
    place
        .run("test-state bad.json")
        .fails(2, &["InvalidDefinition", "did you mean `Pass`?"]);
    place.write("bad.asl.json", r#"{"States": {"A": {"Type": "Pas"}}}"#);
    place
        .run("test-state bad.asl.json --state A")
        .fails(2, &["InvalidDefinition", "drivetrain check"]);
    place
        .run("test-state orders.asl.json")
        .fails(2, &["`--state`", "`Charge`"]);
    charge(
        &place,
        &["--mock", r#"{"result": 1, "fieldValidationMode": "LOOSE"}"#],
    )
    .fails(2, &["'LOOSE'", "[PRESENT, STRICT, NONE]"]);
    place
        .run("test-state nowhere.json")
        .fails(3, &["nowhere.json"]);
    place
        .run("test-state --request nowhere.json")
        .fails(3, &["nowhere.json"]);
    place.write("request.json", r#"{"definition": "{}", "stateNames": "A"}"#);
    place
        .run("test-state --request request.json")
        .fails(2, &["`stateNames`", "stateName"]);
    place.write("empty.json", "{}");
    place
        .run("test-state --request empty.json")
        .fails(2, &["`definition`"]);
    for line in [
        "test-state",
        "test-state pass.json --request request.json",
        "test-state pass.json --level ALL",
    ] {
        assert_eq!(place.run(line).code, Some(2), "{line}");
    }
}
