//! Runs the machines of `cases.jsonl` and `task_cases.jsonl`, and compares their outcomes with the recorded ones.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drivetrain_statemachine::{
    Engine, Event, History, Machine, MachineType, Outcome, ResourceKind, TaskCall, TaskFailure,
    TaskHandler, TaskOutput,
};
use serde_json::{Value, json};

use crate::support::corpus::{in_virtual_time, same, same_shape, start_time, text};

/// Runs the machine of a row of `cases.jsonl`, which calls no tasks. An error is the text of what was rejected.
pub fn run_without_tasks(row: &Value) -> Result<(Outcome, Vec<Event>), String> {
    run(row, refuse, row["input"].clone())
}

/// Runs the machine of a row of `task_cases.jsonl`, whose tasks answer as recorded. An error is the text of what was
/// rejected.
pub fn run_with_tasks(row: &Value) -> Result<(Outcome, Vec<Event>), String> {
    let recorded = Arc::new(Mutex::new(Recorded::of(row)));
    let input = match &row["history"][0]["input"] {
        Value::Null => row["input"].clone(),
        Value::String(text) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        value => value.clone(),
    };
    run(row, move |call| answer(recorded.clone(), call), input)
}

fn run(
    row: &Value,
    handler: impl TaskHandler + 'static,
    input: Value,
) -> Result<(Outcome, Vec<Event>), String> {
    let machine_type = if row["type"] == "EXPRESS" {
        MachineType::Express
    } else {
        MachineType::Standard
    };
    let definition = match &row["definition"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let machine = Machine::parse_as(&definition, machine_type)
        .map_err(|error| format!("refused: {error}"))?;
    let history = History::default();
    let engine = Engine::new(handler)
        .history(history.clone())
        .start_time(start_time())
        .seed(7);
    let outcome = in_virtual_time(async { engine.run(&machine, input).await });
    Ok((
        outcome.map_err(|error| error.to_string())?,
        history.events(),
    ))
}

/// Returns the difference between an outcome and the recorded one; causes are not compared.
pub fn outcome_difference(row: &Value, outcome: &Outcome) -> Option<String> {
    let got = || format!("got {outcome:?}");
    if row["expected_status"] != outcome.status.as_str() {
        return Some(format!("expected {}, {}", row["expected_status"], got()));
    }
    if let Some(expected) = row["expected_error"].as_str()
        && outcome.error.as_deref() != Some(expected)
    {
        return Some(format!("expected {expected}, {}", got()));
    }
    let output = outcome.output.as_ref()?;
    let expected = &row["expected_output"];
    let equal = if row["nondeterministic"] == true {
        same_shape(expected, output)
    } else {
        same(expected, output)
    };
    (!equal).then(|| format!("expected {expected}, got {output}"))
}

async fn refuse(call: TaskCall) -> Result<Value, TaskFailure> {
    Err(TaskFailure::new(
        "NoTask",
        format!("`{}` makes a call", call.state),
    ))
}

/// The recorded answers to tasks that were not given yet.
struct Recorded {
    answers: HashMap<String, VecDeque<Value>>,
    submissions: VecDeque<Value>,
    objects: HashMap<(String, String), String>,
}

impl Recorded {
    fn of(row: &Value) -> Self {
        let mut answers: HashMap<String, VecDeque<Value>> = HashMap::new();
        for mock in row["task_mocks"].as_array().into_iter().flatten() {
            answers
                .entry(text(mock, "state").to_owned())
                .or_default()
                .push_back(mock.clone());
        }
        let events = row["history"].as_array().into_iter().flatten();
        let submissions = events
            .filter(|event| event["type"] == "TaskSubmitted")
            .map(|event| event["output"].clone())
            .collect();
        let objects = row["s3_objects"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|object| {
                let key = (
                    text(object, "bucket").to_owned(),
                    text(object, "key").to_owned(),
                );
                (key, text(object, "body").to_owned())
            });
        Self {
            answers,
            submissions,
            objects: objects.collect(),
        }
    }
}

async fn answer(recorded: Arc<Mutex<Recorded>>, call: TaskCall) -> Result<TaskOutput, TaskFailure> {
    if call.resource.arn() == "arn:aws:states:::s3:getObject"
        && !recorded.lock().unwrap().objects.is_empty()
    {
        let key = (
            text(&call.input, "Bucket").to_owned(),
            text(&call.input, "Key").to_owned(),
        );
        let body = recorded.lock().unwrap().objects.get(&key).cloned();
        return body
            .map(TaskOutput::object)
            .ok_or_else(|| TaskFailure::new("S3.NoSuchKey", key.1));
    }
    let (mock, submission) = {
        let mut recorded = recorded.lock().unwrap();
        let mock = recorded
            .answers
            .get_mut(&call.state)
            .and_then(VecDeque::pop_front);
        let waits = call.resource.waits_for_job() || call.resource.waits_for_token();
        let submission = if waits {
            recorded.submissions.pop_front()
        } else {
            None
        };
        (mock, submission)
    };
    let Some(mock) = mock else {
        return Err(TaskFailure::new(
            "NoMock",
            format!("`{}` has no answer left", call.state),
        ));
    };
    let result = result(&mock, call.resource.kind());
    let is_activity = *call.resource.kind() == ResourceKind::Activity;
    if let Some(token) = call.token.clone().filter(|_| !is_activity) {
        let tokens = call.tokens.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            match result.await {
                Ok(output) => tokens.succeed(&token, output),
                Err(TaskFailure { error, cause }) => tokens.fail(&token, error, cause),
            }
            .expect("the state waits for the token");
        });
        return Ok(submission.unwrap_or_else(|| json!({})).into());
    }
    if let Some(submission) = submission {
        call.submitted(submission);
    }
    result.await.map(Into::into)
}

/// Builds the answer to one recorded call; a call that timed out is never answered.
fn result(
    mock: &Value,
    kind: &ResourceKind,
) -> impl Future<Output = Result<Value, TaskFailure>> + Send + use<> {
    let timed_out = text(mock, "event").ends_with("TimedOut");
    let failed = text(mock, "event").ends_with("Failed");
    let error = TaskFailure {
        error: mock["error"].as_str().map(str::to_owned),
        cause: match &mock["cause"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other if *kind == ResourceKind::Lambda => Some(spaced(other)),
            other => Some(other.to_string()),
        },
    };
    let output = mock["output"].clone();
    async move {
        if timed_out {
            std::future::pending::<()>().await;
        }
        if failed { Err(error) } else { Ok(output) }
    }
}

/// Formats JSON with a blank after each comma and colon, as in a Lambda function's errors.
fn spaced(value: &Value) -> String {
    match value {
        Value::Array(items) => format!(
            "[{}]",
            items.iter().map(spaced).collect::<Vec<_>>().join(", ")
        ),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", json!(name), spaced(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
