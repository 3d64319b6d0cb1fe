//! The port for all outside work: task handlers and their calls.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::definition::Resource;
use crate::engine::port::task_tokens::Tokens;

/// A handler that does the work of Task states, and reads and writes objects for Map states.
///
/// One call is one attempt. The engine drops the future when the work is no longer wanted: the task timed out, the
/// execution was stopped, or another branch failed.
///
/// Any function from a [`TaskCall`] to a future is a handler. This one serves a Map that reads its items from an object
/// and calls a function for each:
///
/// ```
/// use drivetrain_statemachine::{Engine, Machine, TaskCall, TaskFailure, TaskOutput};
/// use serde_json::json;
///
/// async fn answer(call: TaskCall) -> Result<TaskOutput, TaskFailure> {
///     match call.resource.arn() {
///         "arn:aws:states:::s3:getObject" if call.input["Key"] == "people.csv" => {
///             Ok(TaskOutput::object("id,name\n1,Ada\n2,Grace\n"))
///         }
///         "arn:aws:states:::lambda:invoke" => Ok(json!({"Payload": call.input["Payload"]["name"]}).into()),
///         other => Err(TaskFailure::new("NotHere", other)),
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let machine = Machine::parse(r#"{"StartAt": "Each", "States": {"Each": {
///     "Type": "Map", "End": true,
///     "ItemReader": {
///         "Resource": "arn:aws:states:::s3:getObject",
///         "Parameters": {"Bucket": "any", "Key": "people.csv"},
///         "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
///     },
///     "ItemProcessor": {
///         "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
///         "StartAt": "Greet",
///         "States": {"Greet": {
///             "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true,
///             "Parameters": {"Payload.$": "$"}, "OutputPath": "$.Payload"
///         }}
///     }
/// }}}"#)?;
/// let outcome = Engine::new(answer).run(&machine, json!({})).await?;
/// assert_eq!(outcome.output, Some(json!(["Ada", "Grace"])));
/// # Ok(())
/// # }
/// ```
pub trait TaskHandler: Send + Sync {
    /// Answers one call, which is one attempt of a task or one object request of a Map.
    ///
    /// If the call has a token, the result of the call is the response to the request that delivers the token. The
    /// state continues once the token is answered through [`Tokens`]. An activity may be answered by the call's result
    /// or through its token.
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<TaskOutput, TaskFailure>>;
}

impl<F, W, O> TaskHandler for F
where
    F: Fn(TaskCall) -> W + Send + Sync,
    W: Future<Output = Result<O, TaskFailure>> + Send + 'static,
    O: Into<TaskOutput>,
{
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<TaskOutput, TaskFailure>> {
        let work = self(call);
        Box::pin(async move { work.await.map(Into::into) })
    }
}

/// One attempt of a task, as its handler receives it.
#[derive(Debug)]
#[non_exhaustive]
pub struct TaskCall {
    /// The resource to call, as the state's `Resource` names it.
    pub resource: Resource,
    /// The call's input: the value of `Parameters` or `Arguments`.
    pub input: Value,
    /// The bytes to store, for a `putObject` of a ResultWriter.
    pub body: Option<Bytes>,
    /// The value of `Credentials`: the role to assume.
    pub credentials: Option<Value>,
    /// The task token to deliver; `None` if the state does not wait for a token.
    pub token: Option<String>,
    /// The name of the state that makes the call.
    pub state: String,
    /// The number of retries of the state before this call.
    pub retry_count: u32,
    /// The ARN of the execution that makes the call.
    pub execution: String,
    /// The time after which the engine ends the task with a timeout.
    pub timeout: Duration,
    /// The longest time between two heartbeats; `None` if the task needs none.
    pub heartbeat: Option<Duration>,
    /// The tokens through which workers answer the task.
    pub tokens: Tokens,
    /// The channel for reports about work in progress.
    pub(crate) reports: mpsc::UnboundedSender<TaskReport>,
}

/// A report from a handler about work in progress.
#[derive(Debug)]
pub(crate) enum TaskReport {
    /// A job was started; holds the response to the request that started it.
    Submitted(Value),
    /// A worker took the task of an activity; holds the worker's name, if known.
    Started(Option<String>),
}

impl TaskCall {
    /// Reports that a job was started, with the response to the request that started it.
    ///
    /// The report becomes the event `TaskSubmitted`; the call itself returns the job's result when the job has ended.
    pub fn submitted(&self, output: Value) {
        self.report(TaskReport::Submitted(output));
    }

    /// Reports that a worker has taken an activity's task, which becomes the event `ActivityStarted`.
    pub fn started(&self, worker_name: Option<String>) {
        self.report(TaskReport::Started(worker_name));
    }

    /// Sends a report to the waiting state.
    fn report(&self, report: TaskReport) {
        // The receiver is gone once the task has ended, and its reports are no longer needed.
        let _ = self.reports.send(report);
    }
}

/// The output of a call: JSON, or the bytes of an object.
pub struct TaskOutput {
    /// The output as JSON; for a Parquet object, the list of its rows.
    pub value: Value,
    /// The bytes of an object, for a `getObject` of an ItemReader; `None` for other calls.
    pub body: Option<BoxStream<'static, Result<Bytes, TaskFailure>>>,
}

impl From<Value> for TaskOutput {
    fn from(value: Value) -> Self {
        Self { value, body: None }
    }
}

impl TaskOutput {
    /// Creates the response to a `getObject` from bytes in memory.
    #[must_use]
    pub fn object(body: impl Into<Bytes>) -> Self {
        let chunk = Ok(body.into());
        Self {
            value: Value::Null,
            body: Some(Box::pin(futures::stream::iter([chunk]))),
        }
    }
}

/// The failure of a call. It is part of an execution rather than an error of this crate; name and cause may both be
/// absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TaskFailure {
    /// The error's name, which the machine's retriers and catchers match.
    pub error: Option<String>,
    /// The cause, a text for people that is often JSON.
    pub cause: Option<String>,
}

impl TaskFailure {
    /// Creates a failure with a name and a cause.
    #[must_use]
    pub fn new(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self {
            error: Some(error.into()),
            cause: Some(cause.into()),
        }
    }
}
