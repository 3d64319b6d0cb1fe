//! `drivetrain test-state`: one state alone.

use serde_json::json;

use crate::support::process_output::ProcessOutput;
use crate::support::sandbox::Sandbox;

const MACHINE: &str = r#"{"StartAt": "Charge", "States": {
    "Charge": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "ResultPath": "$.charge", "Next": "Done",
        "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 5, "MaxAttempts": 2}],
        "Catch": [{"ErrorEquals": ["CardRefused"], "ResultPath": "$.refused", "Next": "Done"}]},
    "Done": {"Type": "Succeed"}
}}"#;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("orders.asl.json", MACHINE);
    sandbox.write(
        "pass.json",
        r#"{"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"sum": "{% $a + $states.context.Execution.Input.b %}"}, "End": true}"#,
    );
    sandbox
}

fn charge(sandbox: &Sandbox, flags: &[&str]) -> ProcessOutput {
    let mut words = vec![
        "test-state",
        "orders.asl.json",
        "--state",
        "Charge",
        "--input",
        r#"{"id": 7}"#,
    ];
    words.extend(flags);
    sandbox.run_words(&words)
}

#[test]
fn a_state_returns_its_output_and_the_next_state() {
    let sandbox = sandbox();
    let mock = r#"{"result": {"paid": true}}"#;
    let ran = charge(&sandbox, &["--mock", mock, "--output-format", "json"]);
    assert_eq!(
        ran.json(0),
        json!({"output": "{\"id\":7,\"charge\":{\"paid\":true}}", "nextState": "Done", "status": "SUCCEEDED"})
    );
    let shown = charge(&sandbox, &["--mock", mock, "--level", "DEBUG"]);
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
    let sandbox = sandbox();
    let with = |error: &str, flags: &[&str], code: i32| {
        let mock = json!({"errorOutput": {"error": error, "cause": "why"}}).to_string();
        let mut all = vec!["--mock", mock.as_str(), "--output-format", "json"];
        all.extend(flags);
        charge(&sandbox, &all).json(code)
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
    let sandbox = sandbox();
    sandbox.write("variables.json", r#"{"a": 1}"#);
    let ran = sandbox.run_words(&[
        "test-state",
        "pass.json",
        "--variables",
        "variables.json",
        "--context",
        r#"{"Execution": {"Input": {"b": 2}}}"#,
        "--output-format",
        "json",
    ]);
    assert_eq!(ran.json(0)["output"], r#"{"sum":3}"#);
}

#[test]
fn the_requests_of_the_api_are_answered_with_its_responses() {
    let sandbox = sandbox();
    let request = json!({
        "definition": MACHINE, "stateName": "Charge", "input": "{\"id\":7}", "inspectionLevel": "DEBUG",
        "mock": {"result": "{\"paid\":true}", "fieldValidationMode": "NONE"},
        "stateConfiguration": {"retrierRetryCount": 1}
    });
    sandbox.write("request.json", request.to_string());
    let response = sandbox.run("test-state --request request.json").json(0);
    assert_eq!(response["status"], "SUCCEEDED");
    assert_eq!(response["inspectionData"]["result"], "{\"paid\":true}");
    // Fields that are JSON text in the API may also be JSON values.
    let mut plain = request.clone();
    plain["definition"] = serde_json::from_str(MACHINE).unwrap();
    plain["input"] = json!({"id": 7});
    plain["mock"]["result"] = json!({"paid": true});
    sandbox.write("plain.json", plain.to_string());
    assert_eq!(
        sandbox.run("test-state --request plain.json").json(0),
        response
    );
}

#[test]
fn a_request_that_aws_refuses_is_refused() {
    let sandbox = sandbox();
    charge(&sandbox, &[]).fails(2, &["state `Charge`", "lambda:invoke", "--mock"]);
    charge(
        &sandbox,
        &["--mock", r#"{"result": 1}"#, "--reveal-secrets"],
    )
    .fails(2, &["ValidationException", "RevealSecrets"]);
    charge(&sandbox, &["--mock", r#"{"results": 1}"#]).fails(2, &["`results`", "errorOutput"]);
    charge(
        &sandbox,
        &[
            "--mock",
            r#"{"result": 1}"#,
            "--configuration",
            r#"{"retries": 1}"#,
        ],
    )
    .fails(2, &["`retries`"]);
    charge(&sandbox, &["--variables", "[1]"]).fails(2, &["`variables`"]);
    charge(&sandbox, &["--context", "{"]).fails(2, &["--context"]);
    sandbox
        .run("test-state orders.asl.json --state Nope")
        .fails(2, &["State not found"]);
    sandbox.write("bad.json", r#"{"Type": "Pas"}"#);
    sandbox
        .run("test-state bad.json")
        .fails(2, &["InvalidDefinition", "did you mean `Pass`?"]);
    sandbox.write("bad.asl.json", r#"{"States": {"A": {"Type": "Pas"}}}"#);
    sandbox
        .run("test-state bad.asl.json --state A")
        .fails(2, &["InvalidDefinition", "drivetrain check"]);
    sandbox
        .run("test-state orders.asl.json")
        .fails(2, &["`--state`", "`Charge`"]);
    charge(
        &sandbox,
        &["--mock", r#"{"result": 1, "fieldValidationMode": "LOOSE"}"#],
    )
    .fails(2, &["'LOOSE'", "[PRESENT, STRICT, NONE]"]);
    sandbox
        .run("test-state nowhere.json")
        .fails(3, &["nowhere.json"]);
    sandbox
        .run("test-state --request nowhere.json")
        .fails(3, &["nowhere.json"]);
    sandbox.write("request.json", r#"{"definition": "{}", "stateNames": "A"}"#);
    sandbox
        .run("test-state --request request.json")
        .fails(2, &["`stateNames`", "stateName"]);
    sandbox.write("empty.json", "{}");
    sandbox
        .run("test-state --request empty.json")
        .fails(2, &["`definition`"]);
    for line in [
        "test-state",
        "test-state pass.json --request request.json",
        "test-state pass.json --level ALL",
    ] {
        assert_eq!(sandbox.run(line).code, Some(2), "{line}");
    }
}
