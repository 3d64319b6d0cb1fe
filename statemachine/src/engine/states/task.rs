//! The Task state.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;

use crate::definition::field_values::{Setting, SettingSource};
use crate::definition::task::{Resource, ResourceKind, Task};
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::clock::sleep;
use crate::engine::execution::environment::REGION;
use crate::engine::failure::{Failure, FailureClass};
use crate::engine::flow_thread::FlowThread;
use crate::engine::history::event::{Details, EventType};
use crate::engine::output_checks::{TOO_DEEP, over_limit};
use crate::engine::port::task_handler::{TaskCall, TaskReport};
use crate::engine::port::task_tokens::{TokenAnswer, WaitingTask};
use crate::evaluation_budget::nests_too_deeply;
use crate::json_text::JsonText;
use crate::payload_size::{PAYLOAD_LIMIT_BYTES, exceeds};

/// The timeout of a Task without `TimeoutSeconds`, as on AWS.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(99_999_999);

/// Calls the resource once, and waits for its result, the end of its job or the answer to its token.
pub(crate) async fn perform(
    attempt: &Attempt<'_>,
    thread: &mut FlowThread,
    task: &Task,
    input: &Value,
    arguments: &Value,
) -> Result<Value, Failure> {
    let data = FieldData::of(input);
    let timeout = task
        .timeout
        .as_ref()
        .map(|setting| seconds(attempt, setting, data))
        .transpose()?;
    let heartbeat = task
        .heartbeat
        .as_ref()
        .map(|setting| seconds(attempt, setting, data))
        .transpose()?;
    let credentials = match &task.credentials {
        Some(credentials) => Some(attempt.payload(credentials, "Credentials", data)?),
        None => None,
    };
    let (reports, reported) = mpsc::unbounded_channel();
    let call = TaskCall {
        resource: task.resource.clone(),
        input: arguments.clone(),
        body: None,
        credentials,
        token: attempt.token.clone(),
        state: attempt.state.name.clone(),
        retry_count: attempt.retry_count,
        execution: attempt.run.recorder.execution().to_string(),
        timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
        heartbeat,
        tokens: attempt.run.environment.tokens.clone(),
        reports,
    };
    let mut events = TaskEvents {
        attempt,
        thread,
        resource: &task.resource,
        started: false,
        submitted: false,
    };
    events.scheduled(arguments, timeout, heartbeat)?;
    let outcome = work(attempt, call, reported, &mut events).await?;
    events.ended(outcome)
}

/// The end of one attempt of a task, with its output or failure.
enum TaskEnd {
    /// The work succeeded with an output.
    Succeeded(Value),
    /// The work failed, but not by a timeout.
    Failed(Failure),
    /// The timeout has passed, or a heartbeat is missing.
    TimedOut(Failure),
}

/// Calls the handler and waits for the first of: its result, an answer to the token, the timeout, a missing heartbeat.
async fn work(
    attempt: &Attempt<'_>,
    call: TaskCall,
    mut reported: mpsc::UnboundedReceiver<TaskReport>,
    events: &mut TaskEvents<'_, '_>,
) -> Result<TaskEnd, Failure> {
    let is_activity = *call.resource.kind() == ResourceKind::Activity;
    let (timeout, heartbeat) = (call.timeout, call.heartbeat);
    let mut waiting = call
        .token
        .as_deref()
        .map(|token| attempt.run.environment.tokens.wait(token));
    let mut deadline = Box::pin(sleep(timeout));
    let mut silence = Box::pin(silence(heartbeat.filter(|_| waiting.is_some())));
    let mut work = attempt.run.environment.handler.call(call);
    let mut working = true;
    loop {
        tokio::select! {
            biased;
            Some(report) = reported.recv() => events.reported(report)?,
            answer = next_answer(&mut waiting) => match answer {
                TokenAnswer::Heartbeat => silence.set(self::silence(heartbeat)),
                TokenAnswer::Succeed(output) => return Ok(TaskEnd::Succeeded(output)),
                TokenAnswer::Fail { error, cause } => return Ok(TaskEnd::Failed(Failure::reported(error, cause))),
            },
            result = &mut work, if working => {
                working = false;
                while let Ok(report) = reported.try_recv() {
                    events.reported(report)?;
                }
                match result {
                    Err(error) => return Ok(TaskEnd::Failed(Failure::reported(error.error, error.cause))),
                    Ok(output) if waiting.is_none() || is_activity => return Ok(TaskEnd::Succeeded(output.value)),
                    // The request that delivers the token was answered; the state now waits for the answer to the
                    // token.
                    Ok(_) if events.submitted => {}
                    Ok(output) => events.submitted(&output.value)?,
                }
            },
            () = &mut silence => return Ok(timed_out(&mut waiting, true)),
            () = &mut deadline => return Ok(timed_out(&mut waiting, false)),
        }
    }
}

/// Builds the outcome of a timeout, and marks the token, if there is one, as timed out.
fn timed_out(waiting: &mut Option<WaitingTask>, heartbeat: bool) -> TaskEnd {
    if let Some(waiting) = waiting {
        waiting.time_out();
    }
    TaskEnd::TimedOut(Failure::timeout(heartbeat))
}

/// Sleeps for the longest time between two heartbeats; never completes if the task needs no heartbeats.
async fn silence(heartbeat: Option<Duration>) {
    match heartbeat {
        Some(heartbeat) => sleep(heartbeat).await,
        None => std::future::pending().await,
    }
}

/// Returns the next answer to the token; never completes without a token.
async fn next_answer(waiting: &mut Option<WaitingTask>) -> TokenAnswer {
    match waiting {
        Some(waiting) => waiting.next().await,
        None => std::future::pending().await,
    }
}

/// Evaluates a timeout or a heartbeat, from 1 to 99,999,999 seconds.
fn seconds(
    attempt: &Attempt<'_>,
    setting: &Setting,
    data: FieldData<'_>,
) -> Result<Duration, Failure> {
    let value = attempt.setting(setting, data)?;
    let seconds = crate::definition::read::object_fields::whole_number(&value)
        .filter(|seconds| (1..=99_999_999).contains(seconds));
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| match &setting.source {
            SettingSource::Jsonata { text, .. } => {
                attempt.unexpected_type(text, setting.field, "integer", &value)
            }
            SettingSource::Path(selector) => attempt.runtime(&format!(
                "The {} parameter cannot be parsed as a positive integer: {} == {value}",
                setting.field, selector.text
            )),
            SettingSource::Literal(_) => attempt.runtime(&format!(
                "The {} parameter is invalid: {value}",
                setting.field
            )),
        })
}

/// The recorder of the events of one attempt of a task. The kind of resource decides their types.
struct TaskEvents<'f, 'a> {
    /// The attempt that the events belong to.
    attempt: &'f Attempt<'a>,
    /// The thread of the state; each event follows the last event of this thread.
    thread: &'f mut FlowThread,
    /// The resource, whose kind decides the types of the events.
    resource: &'f Resource,
    /// `true` once an activity's start was recorded.
    started: bool,
    /// `true` once the response to the request that started the work was recorded.
    submitted: bool,
}

impl TaskEvents<'_, '_> {
    /// Records that the work was scheduled, and that it started unless an activity's worker must take it first.
    fn scheduled(
        &mut self,
        arguments: &Value,
        timeout: Option<Duration>,
        heartbeat: Option<Duration>,
    ) -> Result<(), Failure> {
        let arn = self.resource.arn();
        let limits = Details {
            timeout_in_seconds: timeout.map(|timeout| timeout.as_secs()),
            heartbeat_in_seconds: heartbeat.map(|heartbeat| heartbeat.as_secs()),
            ..Details::default()
        };
        match self.resource.kind() {
            ResourceKind::Lambda | ResourceKind::Activity => {
                let event = if *self.resource.kind() == ResourceKind::Lambda {
                    EventType::LambdaFunctionScheduled
                } else {
                    EventType::ActivityScheduled
                };
                self.record(event, || Details {
                    resource: Some(arn.to_owned()),
                    input: Some(JsonText::of(arguments)),
                    ..limits
                })?;
                if event == EventType::LambdaFunctionScheduled {
                    self.record(EventType::LambdaFunctionStarted, Details::default)?;
                }
            }
            ResourceKind::Integration { .. } => {
                let named = self.named();
                self.record(EventType::TaskScheduled, || Details {
                    region: Some(REGION.to_owned()),
                    parameters: Some(JsonText::of(arguments)),
                    timeout_in_seconds: limits.timeout_in_seconds,
                    heartbeat_in_seconds: limits.heartbeat_in_seconds,
                    ..named
                })?;
                let named = self.named();
                self.record(EventType::TaskStarted, || named)?;
            }
        }
        Ok(())
    }

    /// Records a report of the handler.
    fn reported(&mut self, report: TaskReport) -> Result<(), Failure> {
        match report {
            TaskReport::Submitted(output) => self.submitted(&output),
            TaskReport::Started(worker) => self.started(worker),
        }
    }

    /// Records that a worker took an activity's task, once per attempt.
    fn started(&mut self, worker_name: Option<String>) -> Result<(), Failure> {
        if *self.resource.kind() == ResourceKind::Activity
            && !std::mem::replace(&mut self.started, true)
        {
            self.record(EventType::ActivityStarted, || Details {
                worker_name,
                ..Details::default()
            })?;
        }
        Ok(())
    }

    /// Records the response to the request that started the work; only integrations have an event for it.
    fn submitted(&mut self, output: &Value) -> Result<(), Failure> {
        self.submitted = true;
        if matches!(self.resource.kind(), ResourceKind::Integration { .. }) {
            let named = self.named();
            self.record(EventType::TaskSubmitted, || Details {
                output: Some(JsonText::of(output)),
                ..named
            })?;
        }
        Ok(())
    }

    /// Records the end of the work and returns its output; an output that is too large or too deep is a failure.
    fn ended(mut self, outcome: TaskEnd) -> Result<Value, Failure> {
        let outcome = match outcome {
            TaskEnd::Succeeded(output) if nests_too_deeply(&output) => {
                return Err(self.attempt.runtime(TOO_DEEP));
            }
            TaskEnd::Succeeded(output) if exceeds(&output, PAYLOAD_LIMIT_BYTES) => {
                let name = match self.resource.kind() {
                    ResourceKind::Integration { service, .. } => service,
                    _ => self.resource.arn(),
                };
                TaskEnd::Failed(over_limit(FailureClass::Ordinary, name))
            }
            outcome => outcome,
        };
        let (event, [lambda, activity]) = match &outcome {
            TaskEnd::Succeeded(_) => (
                EventType::TaskSucceeded,
                [
                    EventType::LambdaFunctionSucceeded,
                    EventType::ActivitySucceeded,
                ],
            ),
            TaskEnd::Failed(_) => (
                EventType::TaskFailed,
                [EventType::LambdaFunctionFailed, EventType::ActivityFailed],
            ),
            TaskEnd::TimedOut(_) => (
                EventType::TaskTimedOut,
                [
                    EventType::LambdaFunctionTimedOut,
                    EventType::ActivityTimedOut,
                ],
            ),
        };
        let event = match self.resource.kind() {
            ResourceKind::Integration { .. } => event,
            ResourceKind::Lambda => lambda,
            ResourceKind::Activity => {
                if !matches!(outcome, TaskEnd::TimedOut(_)) {
                    self.started(None)?;
                }
                activity
            }
        };
        let named = self.named();
        match outcome {
            TaskEnd::Succeeded(output) => {
                self.record(event, || Details {
                    output: Some(JsonText::of(&output)),
                    ..named
                })?;
                Ok(output)
            }
            TaskEnd::Failed(failure) | TaskEnd::TimedOut(failure) => {
                self.record(event, || Details {
                    error: failure.error.clone(),
                    cause: failure.cause.clone(),
                    ..named
                })?;
                Err(failure)
            }
        }
    }

    /// Returns details with the service and the call of an integration, which all its events show; empty for other
    /// resources.
    fn named(&self) -> Details {
        match self.resource.kind() {
            ResourceKind::Integration { service, call } => Details {
                resource_type: Some(service.clone()),
                resource: Some(call.clone()),
                ..Details::default()
            },
            _ => Details::default(),
        }
    }

    /// Records an event that follows the thread's last event, and becomes its last event.
    fn record(
        &mut self,
        event: EventType,
        details: impl FnOnce() -> Details,
    ) -> Result<(), Failure> {
        self.thread.last = self
            .attempt
            .run
            .recorder
            .record(self.thread.last, event, details)?;
        Ok(())
    }
}
