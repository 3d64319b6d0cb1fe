//! The handle, the outcome and the events of an execution, for its caller.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use chrono::{DateTime, Utc};
use futures::Stream;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::engine::execution::execution_run::Run;
use crate::engine::history::event::{Details, Event, EventType};
use crate::engine::stop_signal::StopRequest;

/// The status of an execution that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The execution reached the end of its flow.
    Succeeded,
    /// A state failed, and no retrier or catcher handled the failure.
    Failed,
    /// The execution exceeded its time limit.
    TimedOut,
    /// The execution was stopped by its caller, or because its history could not be written.
    Aborted,
}

impl Status {
    /// Returns AWS's name of the status, such as `TIMED_OUT`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }
}

/// The outcome of an execution that has ended: its status, its output or error, and its times.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// The status with which the execution ended.
    pub status: Status,
    /// The output; `None` unless the execution succeeded.
    pub output: Option<Value>,
    /// The name of the error; `None` if the execution succeeded or timed out, or if no name was given.
    pub error: Option<String>,
    /// The cause of the error, a text for people that is often JSON.
    pub cause: Option<String>,
    /// The date at which the execution started, by its own clock.
    pub started_at: DateTime<Utc>,
    /// The date at which the execution ended, by its own clock.
    pub stopped_at: DateTime<Utc>,
    /// The number of events that the execution had, whether or not a sink kept them.
    pub events: u64,
}

impl Outcome {
    /// Builds the outcome of an execution that ends now: a success without an output. The caller sets the output, or
    /// the status and the error of another end.
    pub(crate) fn of(run: &Run, started_at: DateTime<Utc>) -> Self {
        Self {
            status: Status::Succeeded,
            output: None,
            error: None,
            cause: None,
            started_at,
            stopped_at: run.environment.clock.now(),
            events: run.recorder.count(),
        }
    }
}

/// A started execution, whose result the caller awaits.
///
/// It makes progress only while its [`result`](Self::result) is awaited; dropping that future cancels all work in
/// flight.
///
/// ```
/// use drivetrain_statemachine::{Engine, Machine, Status, TaskCall, TaskFailure};
/// use futures::StreamExt;
/// use serde_json::{Value, json};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let machine = Machine::parse(r#"{"StartAt": "Rest", "States": {
///     "Rest": {"Type": "Wait", "Seconds": 60, "Next": "Again"},
///     "Again": {"Type": "Choice", "Choices": [{"Variable": "$.done", "IsPresent": true, "Next": "Done"}], "Default": "Rest"},
///     "Done": {"Type": "Succeed"}
/// }}"#)?;
/// let engine = Engine::new(|_: TaskCall| async { Err::<Value, _>(TaskFailure::new("NoTask", "")) });
/// let execution = engine.start(&machine, json!({}))?;
/// let (control, mut events) = (execution.control(), execution.events());
/// let watch = async {
///     while let Some(event) = events.next().await {
///         if event.id == 100 {
///             control.stop(None, Some("seen enough".to_owned()));
///         }
///     }
/// };
/// let (outcome, ()) = futures::join!(execution.result(), watch);
/// assert_eq!(outcome.status, Status::Aborted);
/// # Ok(())
/// # }
/// ```
#[must_use = "an execution moves only while its result is awaited"]
pub struct Execution {
    /// The work that drives the execution to its end or to a stop.
    work: BoxFuture<'static, Outcome>,
    /// The handle that [`control`](Self::control) clones.
    control: ExecutionControl,
}

/// A handle that watches and stops an execution while its [`result`](Execution::result) is awaited elsewhere.
///
/// Clones control the same execution.
#[derive(Clone)]
pub struct ExecutionControl {
    /// The execution that the handle controls.
    run: Arc<Run>,
}

impl Execution {
    /// Creates the handle of a run; `work` is the future that drives the run to its end.
    pub(crate) fn new(run: Arc<Run>, work: impl Future<Output = Outcome> + Send + 'static) -> Self {
        let control = ExecutionControl { run };
        let work = Box::pin(until_stopped(control.clone(), work));
        Self { work, control }
    }

    /// Returns the execution's ARN, which `$$.Execution.Id` shows too.
    #[must_use]
    pub fn arn(&self) -> &str {
        self.control.arn()
    }

    /// Returns a handle that can stop the execution while its result is awaited.
    #[must_use]
    pub fn control(&self) -> ExecutionControl {
        self.control.clone()
    }

    /// Returns a stream of the events from now on, to be read while the result is awaited.
    ///
    /// Unread events stay in memory. A second call ends the stream of the first.
    #[must_use]
    pub fn events(&self) -> Events {
        Events(self.control.run.recorder.subscribe())
    }

    /// Stops the execution, as AWS's `StopExecution` does; see [`ExecutionControl::stop`].
    pub fn stop(&self, error: Option<String>, cause: Option<String>) {
        self.control.stop(error, cause);
    }

    /// Runs the execution to its end and returns its outcome.
    pub async fn result(self) -> Outcome {
        self.work.await
    }
}

impl ExecutionControl {
    /// Returns the execution's ARN, which `$$.Execution.Id` shows too.
    #[must_use]
    pub fn arn(&self) -> &str {
        self.run.recorder.execution()
    }

    /// Returns the number of states entered so far, in this execution and its child executions.
    #[must_use]
    pub fn transitions(&self) -> u64 {
        self.run.environment.transitions()
    }

    /// Stops the execution, as AWS's `StopExecution` does: it ends with [`Status::Aborted`] at its next step.
    ///
    /// The outcome shows the error and the cause. A stop has no effect on an execution that has ended, and only the
    /// first stop counts.
    pub fn stop(&self, error: Option<String>, cause: Option<String>) {
        let stop = &self.run.environment.stop;
        stop.request(StopRequest { error, cause });
    }
}

/// Awaits the work and returns its outcome. If a stop is requested before the work has ended, drops the work and
/// returns the outcome of an aborted execution.
async fn until_stopped(
    control: ExecutionControl,
    work: impl Future<Output = Outcome> + Send,
) -> Outcome {
    let run = &control.run;
    let started_at = run.environment.clock.now();
    let mut work = std::pin::pin!(work);
    let request = tokio::select! {
        biased;
        request = run.environment.stop.requested() => request,
        outcome = &mut work => return outcome,
    };
    // The work is dropped after this event, with every task in flight. As recorded on AWS, the stop is the last event:
    // interrupted states and tasks get none.
    run.recorder
        .close(0, EventType::ExecutionAborted, || Details {
            error: request.error.clone(),
            cause: request.cause.clone(),
            ..Details::default()
        });
    Outcome {
        status: Status::Aborted,
        error: request.error,
        cause: request.cause,
        ..Outcome::of(run, started_at)
    }
}

/// The stream of an execution's events, which [`Execution::events`] returns.
#[derive(Debug)]
pub struct Events(mpsc::UnboundedReceiver<Event>);

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_recv(context)
    }
}
