//! `test_state.jsonl`: calls of the TestState API and AWS's responses.

use drivetrain_statemachine::{Engine, TaskCall, TaskFailure, TestStateRequest, test_state};
use serde_json::{Map, Value, json};

use crate::support::corpus::{Score, in_virtual_time, rows, same_json, start_time, text};

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test -p drivetrain-statemachine -- --ignored --nocapture"]
fn states_are_tested_as_recorded() {
    let mut score = Score::default();
    let mut not_counted = 0;
    for row in rows("test_state.jsonl") {
        if cannot_be_answered(&row) {
            not_counted += 1;
            continue;
        }
        score.count("answer", text(&row, "name"), difference(&row));
    }
    println!(
        "test_state.jsonl: answers {}/{}, not counted {not_counted}",
        score.passed, score.total
    );
    assert!(score.passed >= 77, "at least 77 answers are as recorded");
}

/// Returns `true` for rows that need AWS's API shapes, a real Lambda function, or a client that checks lengths.
fn cannot_be_answered(row: &Value) -> bool {
    let expected = row["expected"].to_string();
    let is_task = row["definition"]["Type"] == "Task";
    expected.contains("Mock result schema validation error")
        || expected.contains("ParamValidationError")
        || is_task && row["args"].get("mock").is_none()
}

fn difference(row: &Value) -> Option<String> {
    let mut request = row["args"].as_object().cloned().unwrap_or_default();
    request.insert(
        "definition".to_owned(),
        row["definition"].to_string().into(),
    );
    let request: TestStateRequest = match serde_json::from_value(Value::Object(request)) {
        Ok(request) => request,
        Err(error) => return Some(format!("the request cannot be read: {error}")),
    };
    let engine = Engine::new(refuse).start_time(start_time()).seed(7);
    let answer = in_virtual_time(test_state(&engine, &request));
    let expected = &row["expected"];
    let message = expected["Error"]["Message"]
        .as_str()
        .or(expected["exception_value"].as_str());
    match (answer, message) {
        (Err(error), Some(message)) => {
            let text = error.aws_message();
            let is_same = message.ends_with(&text);
            (!is_same).then(|| format!("expected {message}, got {text}"))
        }
        (Err(error), None) => Some(format!("expected {expected}, got {error}")),
        (Ok(response), _) => {
            let actual = serde_json::to_value(&response).expect("a response can be written");
            let is_same = same_json(&without_transport(expected), &actual);
            (!is_same).then(|| format!("expected {expected}, got {actual}"))
        }
    }
}

fn without_transport(expected: &Value) -> Value {
    let fields: Map<String, Value> = expected.as_object().cloned().unwrap_or_default();
    fields
        .into_iter()
        .filter(|(name, _)| name != "ResponseMetadata")
        .collect()
}

async fn refuse(call: TaskCall) -> Result<Value, TaskFailure> {
    Err(TaskFailure::new(
        "NoTask",
        json!({"state": call.state}).to_string(),
    ))
}

/// Tests a state and returns the response, or the error's code and message.
fn tested(definition: &Value, fields: Value) -> Result<Value, (&'static str, String)> {
    let mut request = fields;
    request["definition"] = definition.to_string().into();
    let request: TestStateRequest = serde_json::from_value(request).unwrap();
    let engine = Engine::new(refuse).start_time(start_time());
    in_virtual_time(test_state(&engine, &request))
        .map(|response| serde_json::to_value(&response).unwrap())
        .map_err(|error| (error.aws_code(), error.aws_message()))
}

#[test]
fn requests_that_contradict_themselves_are_refused_in_aws_s_words() {
    let branch = json!({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}});
    let parallel = json!({"Type": "Parallel", "Branches": [branch], "End": true});
    let task = json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true});
    let pass = json!({"Type": "Pass", "End": true});
    let both = json!({"result": "1", "errorOutput": {"error": "E"}});
    for (definition, fields, code, message) in [
        (
            &parallel,
            json!({}),
            "InvalidDefinition",
            "TestState API does not support Map or Parallel states.",
        ),
        (
            &task,
            json!({}),
            "ValidationException",
            "RoleArn must be specified when testing a Task state",
        ),
        (
            &task,
            json!({"mock": both}),
            "ValidationException",
            "[result, errorOutput].",
        ),
        (
            &task,
            json!({"mock": {"result": "{"}}),
            "ValidationException",
            "Mocked result must be valid JSON",
        ),
        (
            &pass,
            json!({"mock": {"result": "1"}}),
            "ValidationException",
            "State type 'Pass' is not supported when a mock is specified",
        ),
        (
            &task,
            json!({"mock": {"result": "1"}, "context": "{\"Map\": {}}"}),
            "ValidationException",
            "'Map' field is not supported when mocking a Context object",
        ),
    ] {
        let refused = tested(definition, fields).unwrap_err();
        assert_eq!(refused.0, code);
        assert!(refused.1.contains(message), "{}", refused.1);
    }
}

#[test]
fn a_retrier_that_is_used_up_is_still_named() {
    let task = json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true,
        "Retry": [{"ErrorEquals": ["Other"]}, {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 2}]});
    let after = |count: u32| {
        tested(
            &task,
            json!({"inspectionLevel": "DEBUG", "mock": {"errorOutput": {"error": "E"}},
            "stateConfiguration": {"retrierRetryCount": count}}),
        )
        .unwrap()
    };
    assert_eq!(after(1)["status"], "RETRIABLE");
    assert_eq!(
        after(1)["inspectionData"]["errorDetails"],
        json!({"retryIndex": 1, "retryBackoffIntervalSeconds": 4})
    );
    assert_eq!(after(2)["status"], "FAILED");
    assert_eq!(
        after(2)["inspectionData"]["errorDetails"],
        json!({"retryIndex": 1})
    );
}
