//! Builds mock files from recorded histories, so that executions can be replayed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind};
use crate::mocks::mock_file::{MockAnswer, MockFile};
use crate::mocks::replay_clock::{HistoryThreads, seconds};

/// The events that end a task: the type, the key of the details, and whether the details have an output.
const ENDS: &[(&str, &str, bool)] = &[
    ("ActivityFailed", "activityFailedEventDetails", false),
    (
        "ActivityScheduleFailed",
        "activityScheduleFailedEventDetails",
        false,
    ),
    ("ActivitySucceeded", "activitySucceededEventDetails", true),
    ("ActivityTimedOut", "activityTimedOutEventDetails", false),
    (
        "LambdaFunctionFailed",
        "lambdaFunctionFailedEventDetails",
        false,
    ),
    (
        "LambdaFunctionScheduleFailed",
        "lambdaFunctionScheduleFailedEventDetails",
        false,
    ),
    (
        "LambdaFunctionStartFailed",
        "lambdaFunctionStartFailedEventDetails",
        false,
    ),
    (
        "LambdaFunctionSucceeded",
        "lambdaFunctionSucceededEventDetails",
        true,
    ),
    (
        "LambdaFunctionTimedOut",
        "lambdaFunctionTimedOutEventDetails",
        false,
    ),
    ("TaskFailed", "taskFailedEventDetails", false),
    ("TaskStartFailed", "taskStartFailedEventDetails", false),
    ("TaskSubmitFailed", "taskSubmitFailedEventDetails", false),
    ("TaskSucceeded", "taskSucceededEventDetails", true),
    ("TaskTimedOut", "taskTimedOutEventDetails", false),
];

/// The events that start an attempt of a task.
const STARTS: &[&str] = &[
    "ActivityScheduled",
    "LambdaFunctionScheduled",
    "TaskScheduled",
];

impl MockFile {
    /// Builds a mock file with one case from a history as `get-execution-history` prints it.
    ///
    /// A call that timed out, or that was unanswered when its execution ended, becomes a call that hangs. A replay then
    /// times out or ends as recorded.
    ///
    /// The calls of concurrent iterations are sorted into the order in which a replay makes them. In a replay only
    /// waits, retries and timeouts take time. Without the machine this order is a guess, which is wrong for iterations
    /// with many retries. A [`ReplayHandler`](crate::mocks::ReplayHandler) runs the machine, so it finds the right
    /// order.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidHistory`] if the value is not a history, or if it was recorded without its execution data.
    pub fn from_history(history: &Value, machine: &str, case: &str) -> Result<Value, Error> {
        Self::from_histories([history], machine, case)
    }

    /// Builds a mock file with one case from an execution's history and the separate histories of its child executions.
    ///
    /// The children's calls are in the order in which the children started.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidHistory`] if a value is not a history, or if it was recorded without its execution data.
    pub fn from_histories<'v>(
        histories: impl IntoIterator<Item = &'v Value>,
        machine: &str,
        case: &str,
    ) -> Result<Value, Error> {
        let calls = recorded_calls(histories)?.into_iter();
        let answers = calls.map(|(state, calls)| {
            let answers = calls.into_iter().map(|call| call.answer);
            (state, answers.collect())
        });
        Ok(mock_file(machine, case, answers))
    }
}

/// A recorded call's input and its answer.
#[derive(Debug)]
pub(super) struct RecordedCall {
    /// The call's input, if the history has it.
    pub(super) input: Option<Value>,
    /// The recorded answer; [`MockAnswer::Hang`] if the history has none.
    pub(super) answer: MockAnswer,
}

/// Returns the recorded calls of each state, in the most likely order of a replay.
pub(super) fn recorded_calls<'v>(
    histories: impl IntoIterator<Item = &'v Value>,
) -> Result<BTreeMap<String, Vec<RecordedCall>>, Error> {
    let mut recorded = histories
        .into_iter()
        .map(calls)
        .collect::<Result<Vec<ExecutionCalls>, Error>>()?;
    // The execution itself started before its children.
    recorded.sort_by(|one, other| one.started.total_cmp(&other.started));
    let mut ordered: BTreeMap<String, Vec<(CallOrder, RecordedCall)>> = BTreeMap::new();
    for (execution, ExecutionCalls { calls, .. }) in recorded.into_iter().enumerate() {
        for HistoryCall { state, place, made } in calls {
            let order = (place.elapsed, execution, place.iterations, place.event);
            ordered.entry(state).or_default().push((order, made));
        }
    }
    let sorted = ordered.into_iter().map(|(state, mut calls)| {
        calls.sort_by(|(one, _), (other, _)| one.cmp(other));
        (state, calls.into_iter().map(|(_, call)| call).collect())
    });
    Ok(sorted.collect())
}

/// Builds a mock file with one case from each state's answers, in the order of its calls.
pub(super) fn mock_file(
    machine: &str,
    case: &str,
    answers: impl IntoIterator<Item = (String, Vec<MockAnswer>)>,
) -> Value {
    let mut states = Map::new();
    let mut responses = Map::new();
    for (state, answers) in answers {
        let name = format!("{case}-{state}");
        let answers = answers.iter().map(written);
        responses.insert(name.clone(), Value::Object(numbered(answers)));
        states.insert(state, Value::String(name));
    }
    json!({
        "StateMachines": { machine: { "TestCases": { case: states } } },
        "MockedResponses": responses,
    })
}

/// Returns an answer in the format of mock files.
fn written(answer: &MockAnswer) -> Value {
    match answer {
        MockAnswer::Return(output) => json!({ "Return": output }),
        MockAnswer::Throw { error, cause } => {
            let fields = [("Error", error), ("Cause", cause)].into_iter();
            let fields: Map<String, Value> = fields
                .filter_map(|(name, text)| Some((name.to_owned(), text.clone()?.into())))
                .collect();
            json!({ "Throw": fields })
        }
        MockAnswer::Hang => json!({ "Hang": true }),
    }
}

/// The key that sorts calls into the order of a replay: time on the replay's clock, index of the execution, iterations
/// and number of the event.
type CallOrder = (u64, usize, Vec<(u64, u64)>, u64);

/// The calls of one execution, as its history shows them.
struct ExecutionCalls {
    /// The date of the first event, in seconds since 1970.
    started: f64,
    /// The calls, in the order of the events that scheduled them.
    calls: Vec<HistoryCall>,
}

/// A recorded call with its state and its position.
struct HistoryCall {
    /// The name of the Task state.
    state: String,
    /// The position at which the call was scheduled.
    place: CallPosition,
    /// The call and its answer.
    made: RecordedCall,
}

/// The position of a call in its execution.
struct CallPosition {
    /// The time on a replay's clock, in half seconds.
    elapsed: u64,
    /// The visit and the iteration of each Map around the call, the outermost first.
    iterations: Vec<(u64, u64)>,
    /// The number of the event that scheduled the call.
    event: u64,
}

/// Returns the calls of a history with their answers.
fn calls(history: &Value) -> Result<ExecutionCalls, Error> {
    let events = history.get("events").unwrap_or(history);
    let events = events
        .as_array()
        .ok_or_else(|| invalid("expected an object with `events`, or an array of events"))?;
    let by_id: BTreeMap<u64, &Value> = events
        .iter()
        .filter_map(|event| Some((event["id"].as_u64()?, event)))
        .collect();
    let mut threads = HistoryThreads::default();
    let mut calls: BTreeMap<u64, HistoryCall> = BTreeMap::new();
    for (id, event) in &by_id {
        let thread = threads.follow(*id, event);
        let kind = event["type"].as_str().unwrap_or_default();
        let end = ENDS.iter().find(|(known, ..)| *known == kind);
        if end.is_none() && !STARTS.contains(&kind) {
            continue;
        }
        let state = thread.state.clone().ok_or_else(|| {
            invalid(format!(
                "the history lacks the event that entered the Task state of event {id}: get the history from its first event"
            ))
        })?;
        let scheduled = thread.scheduled.unwrap_or(*id);
        let place = CallPosition {
            elapsed: thread.elapsed,
            iterations: thread.iterations(),
            event: scheduled,
        };
        let place = calls.remove(&scheduled).map_or(place, |call| call.place);
        let answer = match end {
            None => MockAnswer::Hang,
            Some((_, details, _)) if kind.ends_with("TimedOut") => {
                timed_out(event, &event[*details], by_id.get(&scheduled).copied())
            }
            Some((_, details, has_output)) => answer(*id, &event[*details], *has_output)?,
        };
        let input = by_id.get(&scheduled).and_then(|event| input(event));
        let made = RecordedCall { input, answer };
        calls.insert(scheduled, HistoryCall { state, place, made });
    }
    Ok(ExecutionCalls {
        started: by_id.values().next().map_or(0.0, |event| seconds(event)),
        calls: calls.into_values().collect(),
    })
}

/// Returns the input in an event that schedules a task; `None` if the event has no input or if the input is not JSON.
fn input(scheduled: &Value) -> Option<Value> {
    let mut details = scheduled.as_object().into_iter().flatten();
    let text = details
        .find_map(|(_, details)| details["parameters"].as_str().or(details["input"].as_str()))?;
    serde_json::from_str(text).ok()
}

/// Returns the answer for a call that timed out: [`MockAnswer::Hang`] if a replay then times out too, otherwise the
/// failure.
///
/// A task that sent heartbeats until its timeout must not hang: mocks send no heartbeats, so the task would time out
/// too early.
fn timed_out(event: &Value, details: &Value, scheduled: Option<&Value>) -> MockAnswer {
    let has_cause = details["cause"]
        .as_str()
        .is_some_and(|cause| !cause.is_empty());
    let beats = scheduled.is_some_and(|scheduled| {
        let limit = |name: &str| {
            let mut details = scheduled.as_object().into_iter().flatten();
            details.find_map(|(_, details)| details[name].as_f64())
        };
        let took = seconds(event) - seconds(scheduled);
        limit("heartbeatInSeconds").is_some_and(|heartbeat| took > heartbeat + 1.0)
            && limit("timeoutInSeconds").is_some_and(|timeout| took > timeout - 1.0)
    });
    if has_cause || beats {
        return failure(details);
    }
    MockAnswer::Hang
}

/// Builds the error of a history that cannot be replayed.
fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidHistory, message)
}

/// Returns the answer in the details of the event that ends a call; fails if the details lack a part of the output.
fn answer(id: u64, details: &Value, has_output: bool) -> Result<MockAnswer, Error> {
    if !has_output {
        return Ok(failure(details));
    }
    if details["outputDetails"]["truncated"] == true {
        return Err(invalid(format!(
            "the output of event {id} is truncated, so it cannot become the answer of a mock"
        )));
    }
    let output = details["output"].as_str().ok_or_else(|| {
        invalid(format!(
            "event {id} has no output: get the history with its execution data (`--include-execution-data`)"
        ))
    })?;
    let output: Value = serde_json::from_str(output).map_err(|error| {
        invalid(format!("the output of event {id} is not JSON")).caused_by(error)
    })?;
    Ok(MockAnswer::Return(output))
}

/// Returns an answer that fails with the error and the cause in the details of an event.
fn failure(details: &Value) -> MockAnswer {
    let text = |name: &str| details[name].as_str().map(str::to_owned);
    MockAnswer::Throw {
        error: text("error"),
        cause: text("cause"),
    }
}

/// Numbers the answers from 0; equal answers in a row become one range.
fn numbered(answers: impl Iterator<Item = Value>) -> Map<String, Value> {
    let mut runs: Vec<(usize, usize, Value)> = Vec::new();
    for (number, answer) in answers.enumerate() {
        match runs.last_mut() {
            Some((_, last, repeated)) if *repeated == answer => *last = number,
            _ => runs.push((number, number, answer)),
        }
    }
    runs.into_iter()
        .map(|(first, last, answer)| {
            (
                if first == last {
                    first.to_string()
                } else {
                    format!("{first}-{last}")
                },
                answer,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> Value {
        let failed = json!({"error": "E", "cause": "c"});
        json!({"events": [
            {"id": 1, "previousEventId": 0, "type": "ExecutionStarted"},
            {"id": 2, "previousEventId": 0, "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "A"}},
            {"id": 3, "previousEventId": 2, "type": "TaskScheduled"},
            {"id": 4, "previousEventId": 3, "type": "TaskFailed", "taskFailedEventDetails": failed},
            {"id": 5, "previousEventId": 4, "type": "TaskScheduled"},
            {"id": 6, "previousEventId": 5, "type": "TaskFailed", "taskFailedEventDetails": failed},
            {"id": 7, "previousEventId": 6, "type": "TaskScheduled"},
            {"id": 8, "previousEventId": 7, "type": "TaskSubmitted"},
            {"id": 9, "previousEventId": 8, "type": "TaskSucceeded", "taskSucceededEventDetails": {"output": "{\"x\":1}"}},
            {"id": 10, "previousEventId": 9, "type": "TaskStateExited", "stateExitedEventDetails": {"name": "A"}},
        ]})
    }

    #[test]
    fn a_history_becomes_a_file_that_can_be_read() {
        let file = MockFile::from_history(&history(), "Orders", "LastNight").unwrap();
        assert_eq!(
            file["MockedResponses"]["LastNight-A"],
            json!({"0-1": {"Throw": {"Error": "E", "Cause": "c"}}, "2": {"Return": {"x": 1}}})
        );
        let case = MockFile::parse(&file.to_string())
            .unwrap()
            .case("Orders", "LastNight")
            .unwrap();
        assert_eq!(case.states().collect::<Vec<_>>(), ["A"]);
    }

    #[test]
    fn a_history_without_its_data_is_refused() {
        let mut truncated = history();
        truncated["events"][8]["taskSucceededEventDetails"]["outputDetails"] =
            json!({"truncated": true});
        let mut bare = history();
        bare["events"][8]["taskSucceededEventDetails"] = json!({});
        let mut cut = history();
        cut["events"].as_array_mut().unwrap().remove(1);
        for broken in [
            truncated,
            bare,
            cut,
            json!({}),
            json!([{"id": 1, "type": "TaskSucceeded", "previousEventId": 1}]),
        ] {
            let error = MockFile::from_history(&broken, "Orders", "LastNight").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidHistory, "{broken}");
        }
    }
}
