//! `drivetrain mocks`: an execution that was recorded replays offline.

use serde_json::{Value, json};

use crate::harness::Place;

const MACHINE: &str = r#"{"StartAt": "Ask", "States": {
    "Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "Charge",
        "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1}]},
    "Charge": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": true}
}}"#;

/// What `aws stepfunctions get-execution-history` prints of a night on which the card was refused.
fn history() -> Value {
    let event = |id: u32, previous: u32, kind: &str, key: &str, details: Value| {
        let mut event = json!({"timestamp": "2026-01-31T03:00:00.123000+01:00", "type": kind, "id": id, "previousEventId": previous});
        event[key] = details;
        event
    };
    json!({"events": [
        event(1, 0, "ExecutionStarted", "executionStartedEventDetails", json!({"input": "{\"id\": 7}"})),
        event(2, 0, "TaskStateEntered", "stateEnteredEventDetails", json!({"name": "Ask", "input": "{\"id\": 7}"})),
        event(3, 2, "TaskScheduled", "taskScheduledEventDetails", json!({})),
        event(4, 3, "TaskStarted", "taskStartedEventDetails", json!({})),
        event(5, 4, "TaskFailed", "taskFailedEventDetails", json!({"error": "Busy", "cause": "no room"})),
        event(6, 5, "TaskScheduled", "taskScheduledEventDetails", json!({})),
        event(7, 6, "TaskStarted", "taskStartedEventDetails", json!({})),
        event(8, 7, "TaskSucceeded", "taskSucceededEventDetails", json!({"output": "{\"price\": 12.5}"})),
        event(9, 8, "TaskStateExited", "stateExitedEventDetails", json!({"name": "Ask"})),
        event(10, 9, "TaskStateEntered", "stateEnteredEventDetails", json!({"name": "Charge"})),
        event(11, 10, "TaskScheduled", "taskScheduledEventDetails", json!({})),
        event(12, 11, "TaskStarted", "taskStartedEventDetails", json!({})),
        event(13, 12, "TaskSubmitted", "taskSubmittedEventDetails", json!({"output": "{}"})),
        event(14, 13, "TaskFailed", "taskFailedEventDetails", json!({"error": "CardRefused", "cause": "no funds"})),
        event(15, 14, "ExecutionFailed", "executionFailedEventDetails", json!({"error": "CardRefused", "cause": "no funds"})),
    ]})
}

#[test]
fn last_nights_failure_replays_offline() {
    let place = Place::new();
    place.write("orders.asl.json", MACHINE);
    place.write("history.json", history().to_string());
    let made = place.json("mocks --from-history history.json --name orders --case LastNight");
    assert_eq!(
        made["MockedResponses"]["LastNight-Ask"],
        json!({"0": {"Throw": {"Error": "Busy", "Cause": "no room"}}, "1": {"Return": {"price": 12.5}}})
    );
    place
        .run("mocks --from-history history.json --name orders --case LastNight --out mocks.json")
        .succeeds();
    let ran = place
        .run("simulate orders.asl.json --mocks mocks.json --case LastNight --output-format json");
    assert_eq!(ran.code, Some(1));
    let simulated: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&simulated["error"], &simulated["cause"]),
        (&json!("CardRefused"), &json!("no funds"))
    );

    place
        .run("mocks --from-history history.json --format case --out orders.last-night.case.json")
        .succeeds();
    let text = std::fs::read_to_string(place.path("orders.last-night.case.json")).unwrap();
    let case: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(case["start_time"], "2026-01-31T02:00:00.123Z");
    assert_eq!(case["input"], json!({"id": 7}));
    assert_eq!(
        case["expect"],
        json!({"status": "FAILED", "error": "CardRefused", "cause": "no funds"})
    );
    place.run("test .").succeeds();
}

#[test]
fn what_a_simulation_wrote_is_a_history_too() {
    let place = Place::new();
    place.write("orders.asl.json", MACHINE);
    place.write("history.json", history().to_string());
    place
        .run("mocks --from-history history.json --out mocks.json")
        .succeeds();
    let first = place.run(
        "simulate orders.asl.json --mocks mocks.json --history first.jsonl --output-format json",
    );
    let again = place.run("mocks --from-history first.jsonl");
    assert_eq!(
        again.succeeds().stdout,
        std::fs::read_to_string(place.path("mocks.json")).unwrap(),
        "{}",
        first.stdout
    );
}

#[test]
fn half_a_history_is_refused() {
    let place = Place::new();
    let mut paged = history();
    paged["nextToken"] = json!("x");
    let mut bare = history();
    bare["events"][7]["taskSucceededEventDetails"] = json!({});
    let mut cut = history();
    cut["events"].as_array_mut().unwrap().truncate(10);
    place.write("paged.json", paged.to_string());
    place.write("bare.json", bare.to_string());
    place.write("cut.json", cut.to_string());
    place.write("text.json", "Expired token");
    place.write("number.json", "7");
    let mocks =
        |file: &str, flags: &str| place.run(&format!("mocks --from-history {file} {flags}"));
    mocks("paged.json", "").fails(2, &["`nextToken`", "--max-items"]);
    mocks("bare.json", "").fails(2, &["event 8", "execution data"]);
    mocks("cut.json", "--format case").fails(2, &["end of the execution"]);
    mocks("text.json", "").fails(2, &["no JSON"]);
    mocks("number.json", "").fails(2, &["expected a history"]);
    mocks("nowhere.json", "").fails(3, &["nowhere.json"]);
}
