//! Calls that a Map makes for itself, to read its items and to write its results.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::definition::Resource;
use crate::engine::attempt::Attempt;
use crate::engine::clock::sleep;
use crate::engine::failure::names;
use crate::engine::port::task_handler::{TaskCall, TaskFailure, TaskOutput};

/// The call of an S3 resource that reads or writes one object, or lists objects.
pub(crate) struct ObjectCall {
    /// The resource to call, such as `arn:aws:states:::s3:getObject`.
    pub(crate) resource: Resource,
    /// The parameters of the call, such as `Bucket` and `Key`.
    pub(crate) input: Value,
    /// The bytes to store, for a `putObject`; `None` for other calls.
    pub(crate) body: Option<Bytes>,
}

/// The time limit of one call. AWS has no such limit, so this is the longest timeout of a Task.
const TIMEOUT: Duration = Duration::from_secs(99_999_999);

/// Sends the call to the task handler, as the calls of Task states are sent.
pub(crate) async fn call(
    attempt: &Attempt<'_>,
    request: ObjectCall,
) -> Result<TaskOutput, TaskFailure> {
    let (reports, _) = mpsc::unbounded_channel();
    let answer = attempt.run.environment.handler.call(TaskCall {
        resource: request.resource,
        input: request.input,
        body: request.body,
        credentials: None,
        token: None,
        state: attempt.state.name.clone(),
        retry_count: attempt.retry_count,
        execution: attempt.run.recorder.execution().to_string(),
        timeout: TIMEOUT,
        heartbeat: None,
        tokens: attempt.run.environment.tokens.clone(),
        reports,
    });
    tokio::select! {
        biased;
        answered = answer => answered,
        // Without a timer to wait for, a paused clock could not advance, and the call would never end.
        () = sleep(TIMEOUT) => Err(TaskFailure::new(names::TIMEOUT, "The request for the object timed out.")),
    }
}
