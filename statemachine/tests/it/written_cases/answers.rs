//! The world around a case: the answers to its tasks and its objects in S3.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use drivetrain_statemachine::{ResourceKind, TaskCall, TaskFailure, TaskOutput};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::case::{Answer, AnswerEnd, Case};

/// The answers and objects of one case, and the calls that its tasks made.
#[derive(Debug, Clone)]
pub struct Answers(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    answers: BTreeMap<String, Vec<Answer>>,
    objects: BTreeMap<String, Vec<u8>>,
    written: Vec<String>,
    calls: Vec<MadeCall>,
    started: Instant,
}

/// A call that a task made.
#[derive(Debug, Clone)]
pub struct MadeCall {
    pub state: String,
    pub input: Value,
    pub retry_count: u32,
    pub credentials: Option<Value>,
    pub second: u64,
}

impl Answers {
    /// Creates the answers of a case; its clock starts now.
    pub fn of(case: &Case) -> Self {
        let objects = case
            .objects
            .iter()
            .map(|(key, body)| (key.clone(), body.clone().into_bytes()));
        Self(Arc::new(Mutex::new(State {
            answers: case.tasks.clone(),
            objects: objects.collect(),
            written: Vec::new(),
            calls: Vec::new(),
            started: Instant::now(),
        })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Returns the calls of tasks in their order, without the calls to S3 that Maps make.
    pub fn calls(&self) -> Vec<MadeCall> {
        self.lock().calls.clone()
    }

    /// Returns the states that have answers left.
    pub fn unused(&self) -> Vec<String> {
        let state = self.lock();
        let left = state
            .answers
            .iter()
            .filter(|(_, answers)| !answers.is_empty());
        left.map(|(name, _)| name.clone()).collect()
    }

    /// Returns the keys that were written.
    pub fn written(&self) -> Vec<String> {
        self.lock().written.clone()
    }

    /// Returns the body of an object that was written.
    pub fn object(&self, key: &str) -> Option<String> {
        let state = self.lock();
        let body = state.objects.get(key)?;
        Some(String::from_utf8_lossy(body).into_owned())
    }

    /// Answers one call as the case says.
    pub async fn call(self, call: TaskCall) -> Result<TaskOutput, TaskFailure> {
        let service = call.resource.arn().strip_prefix("arn:aws:states:::s3:");
        if let Some(action) = service
            && !self.lock().answers.contains_key(&call.state)
        {
            return self.lock().s3(action, &call);
        }
        let Some(answer) = self.lock().next(&call) else {
            let cause = format!("`{}` has no answer to {}", call.state, call.input);
            return Err(TaskFailure::new("NoAnswer", cause));
        };
        let is_activity = *call.resource.kind() == ResourceKind::Activity;
        match call.token.clone() {
            Some(token) if !is_activity && call.resource.waits_for_token() => {
                tokio::spawn(answer_token(answer.clone(), token, call));
                Ok(answer.submitted.unwrap_or_else(|| json!({})).into())
            }
            token => {
                if is_activity {
                    call.started(Some("washer".to_owned()));
                }
                if let Some(submitted) = answer.submitted.clone() {
                    call.submitted(submitted);
                }
                let start = Instant::now();
                for second in &answer.heartbeats {
                    tokio::time::sleep_until(start + Duration::from_secs(*second)).await;
                    let token = token.as_ref().expect("what sends heartbeats has a token");
                    // The task may have ended, which is what the case is about.
                    let _ = call.tokens.heartbeat(token);
                }
                tokio::time::sleep_until(start + Duration::from_secs(answer.after_seconds)).await;
                end(answer.end).await.map(Into::into)
            }
        }
    }
}

impl State {
    /// Takes the next answer to a call, and records the call.
    fn next(&mut self, call: &TaskCall) -> Option<Answer> {
        self.calls.push(MadeCall {
            state: call.state.clone(),
            input: call.input.clone(),
            retry_count: call.retry_count,
            credentials: call.credentials.clone(),
            second: self.started.elapsed().as_secs(),
        });
        let answers = self.answers.get_mut(&call.state)?;
        let is_for_call =
            |answer: &Answer| answer.when.as_ref().is_none_or(|when| *when == call.input);
        let index = answers.iter().position(is_for_call)?;
        Some(answers.remove(index))
    }

    fn s3(&mut self, action: &str, call: &TaskCall) -> Result<TaskOutput, TaskFailure> {
        let text = |name: &str| call.input[name].as_str().unwrap_or_default();
        let bucket = text("Bucket");
        let key = format!("{bucket}/{}", text("Key"));
        match action {
            "getObject" => match self.objects.get(&key) {
                Some(body) => Ok(TaskOutput::object(body.clone())),
                None => Err(TaskFailure::new(
                    "S3.NoSuchKeyException",
                    "The specified key does not exist.",
                )),
            },
            "putObject" if bucket == "closed" => Err(TaskFailure::new(
                "S3.AccessDeniedException",
                "Access Denied",
            )),
            "putObject" => {
                let body = call.body.clone().unwrap_or_default().to_vec();
                self.written.push(key.clone());
                self.objects.insert(key, body);
                Ok(json!({}).into())
            }
            "listObjectsV2" => Ok(self.list(bucket, text("Prefix"), &call.input).into()),
            other => Err(TaskFailure::new("NoAnswer", format!("S3 has no `{other}`"))),
        }
    }

    /// Lists objects, two per page.
    fn list(&self, bucket: &str, prefix: &str, input: &Value) -> Value {
        let listed = self.objects.iter().filter_map(|(name, body)| {
            let key = name.strip_prefix(bucket)?.strip_prefix('/')?;
            key.starts_with(prefix)
                .then(|| json!({"Key": key, "Size": body.len()}))
        });
        let all: Vec<Value> = listed.collect();
        let token = input["ContinuationToken"].as_str().unwrap_or("0");
        let start: usize = token.parse().unwrap();
        let end = all.len().min(start + 2);
        let next = (end < all.len()).then(|| end.to_string());
        json!({"Contents": all[start..end], "NextContinuationToken": next})
    }
}

/// Answers the token that a call has delivered.
async fn answer_token(answer: Answer, token: String, call: TaskCall) {
    let start = Instant::now();
    for second in &answer.heartbeats {
        tokio::time::sleep_until(start + Duration::from_secs(*second)).await;
        let _ = call.tokens.heartbeat(&token);
    }
    tokio::time::sleep_until(start + Duration::from_secs(answer.after_seconds)).await;
    // The state may have timed out, which is what the case is about.
    let _ = match end(answer.end).await {
        Ok(output) => call.tokens.succeed(&token, output),
        Err(TaskFailure { error, cause }) => call.tokens.fail(&token, error, cause),
    };
}

async fn end(end: AnswerEnd) -> Result<Value, TaskFailure> {
    match end {
        AnswerEnd::Return(output) => Ok(output),
        AnswerEnd::ReturnText(length) => Ok("x".repeat(length).into()),
        AnswerEnd::Fail(failure) => Err(TaskFailure {
            error: failure.error,
            cause: failure.cause,
        }),
        AnswerEnd::Silent(_) => std::future::pending().await,
    }
}
