//! Makes a mock file from a recorded history, so that an execution can be replayed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::error::{MockError, MockErrorKind};
use super::file::MockFile;

/// What ends a task: the event's type, where its details stand, and whether it has an output.
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

/// What starts a task's attempt.
const STARTS: &[&str] = &[
    "ActivityScheduled",
    "LambdaFunctionScheduled",
    "TaskScheduled",
];

impl MockFile {
    /// Makes a mock file with one case from a history as `get-execution-history` prints it.
    ///
    /// The state's calls keep the order in which they were scheduled. A call that timed out becomes one that throws
    /// the error of the timeout, for the format has nothing else.
    ///
    /// # Errors
    /// [`MockErrorKind::InvalidHistory`] if it is no history, or was recorded without its data.
    pub fn from_history(history: &Value, machine: &str, case: &str) -> Result<Value, MockError> {
        let events = history.get("events").unwrap_or(history);
        let events = events
            .as_array()
            .ok_or_else(|| invalid("expected an object with `events`, or an array of events"))?;
        let by_id: BTreeMap<u64, &Value> = events
            .iter()
            .filter_map(|event| Some((event["id"].as_u64()?, event)))
            .collect();
        let mut calls: BTreeMap<String, BTreeMap<u64, Value>> = BTreeMap::new();
        for (id, event) in &by_id {
            let kind = event["type"].as_str().unwrap_or_default();
            if let Some((_, details, has_output)) = ENDS.iter().find(|(known, ..)| *known == kind) {
                let (state, scheduled) = origin(*id, &by_id)?;
                let answer = answer(*id, &event[*details], *has_output)?;
                calls.entry(state).or_default().insert(scheduled, answer);
            }
        }
        let mut states = Map::new();
        let mut responses = Map::new();
        for (state, answers) in calls {
            let name = format!("{case}-{state}");
            responses.insert(name.clone(), Value::Object(numbered(answers.into_values())));
            states.insert(state, Value::String(name));
        }
        Ok(json!({
            "StateMachines": { machine: { "TestCases": { case: states } } },
            "MockedResponses": responses,
        }))
    }
}

fn invalid(message: impl Into<String>) -> MockError {
    MockError::new(MockErrorKind::InvalidHistory, message)
}

/// Follows an event back to the state that it belongs to and the event that scheduled it.
fn origin(id: u64, events: &BTreeMap<u64, &Value>) -> Result<(String, u64), MockError> {
    let mut scheduled = None;
    let mut current = id;
    // Each step goes to an earlier event, so the walk ends.
    while let Some(event) = events.get(&current) {
        let kind = event["type"].as_str().unwrap_or_default();
        if scheduled.is_none() && STARTS.contains(&kind) {
            scheduled = Some(current);
        }
        if kind == "TaskStateEntered" {
            let name = event["stateEnteredEventDetails"]["name"].as_str();
            let name =
                name.ok_or_else(|| invalid(format!("the event {current} has no state name")))?;
            return Ok((name.to_owned(), scheduled.unwrap_or(id)));
        }
        current = event["previousEventId"]
            .as_u64()
            .filter(|previous| *previous < current)
            .unwrap_or_default();
    }
    Err(invalid(format!(
        "the event {id} belongs to no Task state: the history is not complete"
    )))
}

fn answer(id: u64, details: &Value, has_output: bool) -> Result<Value, MockError> {
    if !has_output {
        let mut failure = Map::new();
        for (from, to) in [("error", "Error"), ("cause", "Cause")] {
            if let Some(text) = details[from].as_str() {
                failure.insert(to.to_owned(), Value::String(text.to_owned()));
            }
        }
        return Ok(json!({ "Throw": failure }));
    }
    if details["outputDetails"]["truncated"] == true {
        return Err(invalid(format!(
            "the output of the event {id} was truncated"
        )));
    }
    let output = details["output"].as_str().ok_or_else(|| {
        invalid(format!(
            "the event {id} has no output: fetch the history with its execution data"
        ))
    })?;
    let output: Value = serde_json::from_str(output)
        .map_err(|error| invalid(format!("the output of the event {id} is no JSON: {error}")))?;
    Ok(json!({ "Return": output }))
}

/// Numbers answers from 0, those that repeat as one range.
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
            assert_eq!(error.kind(), MockErrorKind::InvalidHistory, "{broken}");
        }
    }
}
