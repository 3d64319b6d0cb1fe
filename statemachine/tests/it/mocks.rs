//! Machines whose tasks are answered by a mock file.

use drivetrain_statemachine::mocks::{MissingMock, MockFile, MockHandler};
use drivetrain_statemachine::{Engine, History, Machine, Outcome, Status, TaskCall, TaskFailure};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;

const MACHINE: &str = r#"{
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrency": 1,
            "ResultPath": "$.results",
            "ItemProcessor": {
                "StartAt": "Work",
                "States": {
                    "Work": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::lambda:invoke",
                        "Retry": [{"ErrorEquals": ["Slow"], "MaxAttempts": 2}],
                        "End": true
                    }
                }
            },
            "Next": "Approve"
        },
        "Approve": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"MessageBody": {"token.$": "$$.Task.Token"}},
            "HeartbeatSeconds": 60,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Job"}],
            "Next": "Job"
        },
        "Job": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": true}
    }
}"#;

fn mocks(responses: &Value) -> MockHandler {
    let file = json!({
        "StateMachines": {"Any": {"TestCases": {"Case": {"Work": "Work", "Approve": "Approve", "Job": "Job"}}}},
        "MockedResponses": responses,
    });
    MockHandler::new(
        MockFile::parse(&file.to_string())
            .unwrap()
            .case("Any", "Case")
            .unwrap(),
    )
}

fn run(handler: &MockHandler, history: &History) -> Result<Outcome, MissingMock> {
    let machine = Machine::parse(MACHINE).unwrap();
    let engine = Engine::new(handler.clone()).history(history.clone());
    in_virtual_time(async {
        tokio::select! {
            biased;
            missing = handler.missing() => Err(missing),
            outcome = engine.run(&machine, json!({"items": [1, 2]})) => Ok(outcome.unwrap()),
        }
    })
}

#[test]
fn each_call_gets_its_answer() {
    let handler = mocks(&json!({
        "Work": {"0": {"Throw": {"Error": "Slow", "Cause": ""}}, "1-2": {"Return": "done"}},
        "Approve": {"0": {"Return": {"by": "someone"}}},
        "Job": {"0": {"Return": {"JobRunState": "SUCCEEDED"}}},
    }));
    let history = History::default();
    let outcome = run(&handler, &history).unwrap();
    assert_eq!(outcome.output, Some(json!({"JobRunState": "SUCCEEDED"})));
    let types: Vec<String> = history
        .events()
        .iter()
        .map(|event| event.event_type.as_str().to_owned())
        .collect();
    assert_eq!(
        types.iter().filter(|kind| *kind == "TaskSubmitted").count(),
        2,
        "a token and a job are submitted"
    );
}

#[test]
fn a_token_can_be_answered_with_a_failure() {
    let handler = mocks(&json!({
        "Work": {"0-1": {"Return": "done"}},
        "Approve": {"0": {"Throw": {"Error": "Refused", "Cause": "no"}}},
        "Job": {"0": {"Throw": {"Error": "Glue.Down"}}},
    }));
    let outcome = run(&handler, &History::default()).unwrap();
    assert_eq!(
        (outcome.status, outcome.error.as_deref()),
        (Status::Failed, Some("Glue.Down"))
    );
}

#[test]
fn a_call_without_an_answer_is_reported_and_not_caught_by_the_machine() {
    let handler = mocks(&json!({
        "Work": {"0": {"Return": "done"}},
        "Approve": {},
        "Job": {},
    }));
    let missing = run(&handler, &History::default()).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "the case `Case` has no answer for call 1 of the state `Work`"
    );
}

#[test]
fn a_recorded_execution_replays_to_the_same_end() {
    let machine = Machine::parse(MACHINE).unwrap();
    let history = History::default();
    let engine = Engine::new(sometimes).history(history.clone());
    let input = json!({"items": [1, 2]});
    let recorded = in_virtual_time(async { engine.run(&machine, input.clone()).await.unwrap() });

    let events = serde_json::to_value(history.events()).unwrap();
    let file = MockFile::from_history(&json!({ "events": events }), "Machine", "Recorded").unwrap();
    let case = MockFile::parse(&file.to_string())
        .unwrap()
        .case("Machine", "Recorded")
        .unwrap();
    let replayed = run(&MockHandler::new(case), &History::default()).unwrap();
    assert_eq!(replayed.status, recorded.status);
    assert_eq!(replayed.output, recorded.output);
    assert_eq!(
        (replayed.error, replayed.cause),
        (recorded.error, recorded.cause)
    );
}

/// A handler that fails the first call of each item, denies the approval, and ends the job.
async fn sometimes(call: TaskCall) -> Result<Value, TaskFailure> {
    match (call.state.as_str(), &call.token) {
        ("Work", _) if call.retry_count == 0 => Err(TaskFailure::new("Slow", "try again")),
        ("Work", _) => Ok(json!({"worked": call.input})),
        (_, Some(token)) => {
            let refused = Some("Refused".to_owned());
            call.tokens
                .fail(token, refused, None)
                .expect("the state waits for its token");
            Ok(json!({"MessageId": "1"}))
        }
        _ => Ok(json!({"JobRunState": "SUCCEEDED"})),
    }
}
