//! `task_cases.jsonl`: machines whose tasks answer as recorded.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drivetrain_statemachine::{
    Engine, Event, History, Machine, MachineType, Outcome, ResourceKind, TaskCall, TaskFailure,
    TaskOutput,
};
use serde_json::{Value, json};

use crate::cases::difference;
use crate::corpus::{
    Score, history_difference, in_virtual_time, rows, same_json, start_time, text,
};

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test -p drivetrain-statemachine -- --ignored --nocapture"]
fn machines_with_tasks_end_as_recorded() {
    let (mut ends, mut causes, mut histories) =
        (Score::default(), Score::default(), Score::default());
    let mut without_answer = 0;
    for row in rows("task_cases.jsonl") {
        let name = text(&row, "name");
        if !has_its_answers(&row) {
            without_answer += 1;
            println!("not run, for the row has no answers: {name}");
            continue;
        }
        let (outcome, events) = match run(&row) {
            Ok(run) => run,
            Err(refused) => {
                ends.count("outcome", name, Some(refused));
                continue;
            }
        };
        ends.count("outcome", name, difference(&row, &outcome));
        let expected = &row["expected_cause"];
        if !expected.is_null() {
            let actual = outcome.cause.clone().map_or(Value::Null, Value::String);
            let differs = !same_json(expected, &actual);
            causes.count(
                "cause",
                name,
                differs.then(|| format!("expected {expected}, got {actual}")),
            );
        }
        if let Some(expected) = row["history"].as_array() {
            histories.count("history", name, history_difference(&row, expected, &events));
        }
    }
    println!(
        "task_cases.jsonl: outcomes {}/{}, not run {without_answer}",
        ends.passed, ends.total
    );
    println!(
        "task_cases.jsonl: causes {}/{}",
        causes.passed, causes.total
    );
    println!(
        "task_cases.jsonl: histories {}/{}",
        histories.passed, histories.total
    );
    assert!(ends.passed >= 89, "at least 89 outcomes are as recorded");
}

/// Returns `true` if every task call of the run was recorded.
///
/// Child executions of a distributed Map have no events in their parent's history, so the calls of their tasks were
/// not recorded; nor were those of rows without a history.
fn has_its_answers(row: &Value) -> bool {
    let has_answers = row["task_mocks"]
        .as_array()
        .is_some_and(|mocks| !mocks.is_empty());
    let calls_nothing = row["history"].as_array().is_some_and(|events| {
        let entered = |name: &str| events.iter().any(|event| event["type"] == name);
        !entered("MapRunStarted") || !row["definition"].to_string().contains(r#""Type":"Task""#)
    });
    has_answers || calls_nothing
}

pub fn run(row: &Value) -> Result<(Outcome, Vec<Event>), String> {
    let machine_type = if row["type"] == "EXPRESS" {
        MachineType::Express
    } else {
        MachineType::Standard
    };
    let definition = row["definition"].to_string();
    let machine = Machine::parse_as(&definition, machine_type)
        .map_err(|error| format!("refused: {error}"))?;
    let history = History::default();
    let recorded = Arc::new(Mutex::new(Recorded::of(row)));
    let handler = move |call: TaskCall| answer(recorded.clone(), call);
    let engine = Engine::new(handler)
        .history(history.clone())
        .start_time(start_time())
        .seed(7);
    let input = match &row["history"][0]["input"] {
        Value::Null => row["input"].clone(),
        Value::String(text) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        value => value.clone(),
    };
    let outcome = in_virtual_time(async { engine.run(&machine, input).await });
    Ok((
        outcome.map_err(|error| error.to_string())?,
        history.events(),
    ))
}

/// The task handler that gives the recorded answers.
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
