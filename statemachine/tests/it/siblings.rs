//! Branches and iterations next to one that fails.

use std::time::Duration;

use drivetrain_statemachine::{Engine, Event, EventType, History, Status, TaskCall, TaskFailure};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;
use crate::support::small::{INTEGRATION, distributed, echo, machine, seconds, silent};

/// A handler that fails after a second in the state `Fails`, unless the input says otherwise, and hangs in any other.
async fn fail_or_hang(call: TaskCall) -> Result<Value, TaskFailure> {
    if call.state == "Fails" && call.input["fails"] != false {
        tokio::time::sleep(Duration::from_secs(1)).await;
        return Err(TaskFailure::new("Broken", "soon"));
    }
    silent(call).await
}

/// Builds a flow of one task.
fn task(name: &str) -> Value {
    json!({"StartAt": name, "States": {name: {"Type": "Task", "Resource": INTEGRATION, "End": true}}})
}

/// Builds a flow that waits for a minute.
fn wait() -> Value {
    json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 60, "End": true}}})
}

#[test]
fn a_failed_branch_cancels_its_siblings() {
    let history = History::default();
    let engine = Engine::new(fail_or_hang).history(history.clone());
    let machine = machine(&json!({"StartAt": "P", "States": {
        "P": {"Type": "Parallel", "Branches": [task("Hangs"), task("Fails")], "End": true,
              "Catch": [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "C"}]},
        "C": {"Type": "Pass", "End": true},
    }}));
    let outcome = in_virtual_time(engine.run(&machine, json!({"id": 1}))).unwrap();
    assert_eq!(seconds(&outcome), 1);
    assert_eq!(
        outcome.output,
        Some(json!({"id": 1, "error": {"Error": "Broken", "Cause": "soon"}}))
    );
    let types: Vec<EventType> = history
        .events()
        .iter()
        .map(|event| event.event_type)
        .collect();
    assert!(types.contains(&EventType::ParallelStateFailed));
    assert!(types.contains(&EventType::ParallelStateExited));
}

#[test]
fn a_runtime_failure_passes_every_handler() {
    let machine = machine(&json!({"StartAt": "P", "States": {
        "P": {"Type": "Parallel", "End": true,
              "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Pass", "InputPath": "$.missing", "End": true}}}],
              "Retry": [{"ErrorEquals": ["States.ALL"]}],
              "Catch": [{"ErrorEquals": ["States.Runtime"], "Next": "C"}, {"ErrorEquals": ["States.ALL"], "Next": "C"}]},
        "C": {"Type": "Pass", "End": true},
    }}));
    let outcome = in_virtual_time(Engine::new(echo).run(&machine, json!({}))).unwrap();
    assert_eq!(
        (outcome.status, outcome.error.as_deref()),
        (Status::Failed, Some("States.Runtime"))
    );
}

/// Runs a machine whose tasks fail or hang, and returns its own events: name and index, id, previous event.
fn history_of(definition: Value, input: Value) -> Vec<(String, u64, u64)> {
    let history = History::default();
    let engine = Engine::new(fail_or_hang).history(history.clone());
    in_virtual_time(engine.run(&machine(&definition), input)).unwrap();
    let events = history.events();
    let own = |event: &&Event| event.execution == events[0].execution;
    events
        .iter()
        .filter(own)
        .map(|event| {
            let index = event.details.index.map(|index| format!(" {index}"));
            let name = event.event_type.as_str().to_owned() + &index.unwrap_or_default();
            (name, event.id, event.previous_event_id)
        })
        .collect()
}

fn named(events: &[(String, u64, u64)]) -> Vec<(&str, u64, u64)> {
    events
        .iter()
        .map(|(name, id, previous)| (name.as_str(), *id, *previous))
        .collect()
}

#[test]
fn states_in_flight_in_other_branches_are_recorded_as_aborted() {
    let inner = json!({"StartAt": "I", "States": {"I": {"Type": "Parallel", "Branches": [task("Hangs")], "End": true}}});
    let done = json!({"StartAt": "D", "States": {"D": {"Type": "Pass", "End": true}}});
    let events = history_of(
        json!({"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true,
            "Branches": [wait(), inner, task("Fails"), done]}}}),
        json!({}),
    );
    assert_eq!(
        named(&events)[3..],
        [
            ("WaitStateEntered", 4, 3),
            ("ParallelStateEntered", 5, 3),
            ("ParallelStateStarted", 6, 5),
            ("TaskStateEntered", 7, 6),
            ("TaskScheduled", 8, 7),
            ("TaskStarted", 9, 8),
            ("TaskStateEntered", 10, 3),
            ("TaskScheduled", 11, 10),
            ("TaskStarted", 12, 11),
            ("PassStateEntered", 13, 3),
            ("PassStateExited", 14, 13),
            ("TaskFailed", 15, 12),
            ("TaskStateAborted", 16, 15),
            ("WaitStateAborted", 17, 4),
            ("TaskStateAborted", 18, 9),
            ("ParallelStateAborted", 19, 6),
            ("ParallelStateFailed", 20, 15),
            ("ExecutionFailed", 21, 20),
        ]
    );
}

#[test]
fn states_in_flight_in_other_iterations_are_recorded_as_aborted() {
    let events = history_of(
        json!({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
            "ItemProcessor": task("Fails")}}}),
        json!([{"fails": false}, {}]),
    );
    assert_eq!(
        named(&events)[9..],
        [
            ("TaskScheduled", 10, 9),
            ("TaskStarted", 11, 10),
            ("TaskFailed", 12, 11),
            ("TaskStateAborted", 13, 12),
            ("MapIterationFailed 1", 14, 12),
            ("TaskStateAborted", 15, 8),
            ("MapIterationAborted 0", 16, 8),
            ("MapStateFailed", 17, 12),
            ("ExecutionFailed", 18, 17),
        ]
    );
}

#[test]
fn a_map_run_beside_a_failed_branch_is_aborted_with_its_executions() {
    let history = History::default();
    let engine = Engine::new(fail_or_hang).history(history.clone());
    let machine = machine(
        &json!({"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "M", "States": {"M": {"Type": "Map", "End": true, "ItemProcessor": distributed(task("Hangs"))}}},
            task("Fails"),
        ]}}}),
    );
    in_virtual_time(engine.run(&machine, json!([1]))).unwrap();
    let events = history.events();
    let is_own = |event: &&Event| event.execution == events[0].execution;
    let of = |own: bool| -> Vec<&str> {
        let chosen = events.iter().filter(|event| is_own(event) == own);
        chosen.map(|event| event.event_type.as_str()).collect()
    };
    assert_eq!(
        of(true)[10..],
        [
            "TaskStateAborted",
            "MapRunAborted",
            "MapStateAborted",
            "ParallelStateFailed",
            "ExecutionFailed"
        ]
    );
    assert_eq!(of(false).last(), Some(&"ExecutionAborted"));
}

#[test]
fn an_error_of_the_machine_itself_ends_it_at_once() {
    let wrong = json!({"StartAt": "S", "States": {"S": {
        "Type": "Pass", "Parameters": {"m.$": "$.nope"}, "End": true}}});
    let events = history_of(
        json!({"StartAt": "P", "States": {"P": {
            "Type": "Parallel", "Branches": [wait(), wrong], "End": true}}}),
        json!({"x": "a"}),
    );
    assert_eq!(
        named(&events)[3..],
        [
            ("WaitStateEntered", 4, 3),
            ("PassStateEntered", 5, 3),
            ("ExecutionFailed", 6, 5),
        ]
    );
}

#[test]
fn a_failure_after_all_branches_succeeded_follows_their_success() {
    let branch = json!({"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}});
    let events = history_of(
        json!({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": [branch],
            "ResultSelector": {"m.$": "$.nope"}, "End": true}}}),
        json!({}),
    );
    assert_eq!(
        named(&events)[4..],
        [
            ("PassStateExited", 5, 4),
            ("ParallelStateSucceeded", 6, 5),
            ("ExecutionFailed", 7, 6),
        ]
    );
}

#[test]
fn a_handler_that_fails_itself_fails_the_state_again() {
    let boom = json!({"StartAt": "B", "States": {"B": {"Type": "Fail", "Error": "E"}}});
    let events = history_of(
        json!({"QueryLanguage": "JSONata", "StartAt": "P", "States": {
            "P": {"Type": "Parallel", "Branches": [boom], "End": true, "Catch": [{
                "ErrorEquals": ["States.ALL"], "Output": "{% $states.input.nope %}", "Next": "D"}]},
            "D": {"Type": "Succeed"}}}),
        json!({}),
    );
    assert_eq!(
        named(&events)[3..],
        [
            ("FailStateEntered", 4, 3),
            ("ParallelStateFailed", 5, 4),
            ("EvaluationFailed", 6, 4),
            ("ParallelStateFailed", 7, 6),
            ("ExecutionFailed", 8, 7),
        ]
    );
}
