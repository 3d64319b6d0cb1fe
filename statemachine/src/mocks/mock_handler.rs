//! The task handler that answers calls from a test case.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::mocks::mock_file::{MockAnswer, MockCase};
use crate::{ResourceKind, TaskCall, TaskFailure, TaskHandler, TaskOutput};

/// The prefix of the resources that a Map calls to read its items and write its results. A Task cannot call these
/// resources.
pub(super) const OBJECT_RESOURCES: &str = "arn:aws:states:::s3:";

/// A handler that answers each call of a state with the case's next answer; clones share the count.
///
/// A call for which the case has no answer never completes, because the machine could catch a failure. So the caller
/// must also wait for [`missing`](Self::missing), and then stop the execution.
#[derive(Clone)]
pub struct MockHandler {
    /// The case and the calls so far, which clones share.
    shared: Arc<MockState>,
}

/// The case, the calls and the signal that all clones of a handler share.
struct MockState {
    /// The case whose answers are returned.
    case: MockCase,
    /// The calls so far, and the first call to which the case has no answer.
    progress: Mutex<MockProgress>,
    /// The signal that the case has no answer to a call, for which [`MockHandler::missing`] waits.
    changed: Notify,
}

/// The calls so far, and the first call to which the case has no answer.
#[derive(Default)]
struct MockProgress {
    /// The number of calls that each state has made, by the state's name.
    calls: BTreeMap<String, u64>,
    /// The first call to which the case has no answer.
    missing: Option<MissingMock>,
}

/// A call to which a case has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingMock {
    /// The name of the case; empty for the default case.
    pub case: String,
    /// The name of the state that made the call.
    pub state: String,
    /// The number of the call, from 0.
    pub call: u64,
}

impl fmt::Display for MissingMock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, state, call } = self;
        write!(
            formatter,
            "the case `{case}` has no answer for call {call} of the state `{state}`"
        )
    }
}

impl MockHandler {
    /// Creates a handler that answers from a case.
    #[must_use]
    pub fn new(case: MockCase) -> Self {
        let shared = MockState {
            case,
            progress: Mutex::default(),
            changed: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Waits for a call to which the case has no answer, and returns it.
    pub async fn missing(&self) -> MissingMock {
        loop {
            let changed = self.shared.changed.notified();
            if let Some(missing) = self.lock().missing.clone() {
                return missing;
            }
            changed.await;
        }
    }

    /// Locks the progress, even if a thread panicked while it held the lock.
    fn lock(&self) -> MutexGuard<'_, MockProgress> {
        self.shared
            .progress
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call and returns its answer; records the call and returns `None` if the case has no answer.
    fn next(&self, state: &str) -> Option<MockAnswer> {
        let mut progress = self.lock();
        let count = progress.calls.entry(state.to_owned()).or_default();
        let call = *count;
        *count += 1;
        let answer = self.shared.case.answer(state, call).cloned();
        if answer.is_none() && progress.missing.is_none() {
            let case = self.shared.case.name().to_owned();
            progress.missing = Some(MissingMock {
                case,
                state: state.to_owned(),
                call,
            });
            self.shared.changed.notify_waiters();
        }
        answer
    }
}

impl TaskHandler for MockHandler {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<TaskOutput, TaskFailure>> {
        match self.next(&call.state) {
            Some(answer) => answered(&call, answer),
            None => Box::pin(std::future::pending()),
        }
    }
}

/// Answers a call; reports the call as submitted before that if it starts a service's job or delivers a token.
pub(super) fn answered(
    call: &TaskCall,
    answer: MockAnswer,
) -> BoxFuture<'static, Result<TaskOutput, TaskFailure>> {
    submit(call);
    let answer = match answer {
        MockAnswer::Return(output) => Ok(output),
        MockAnswer::Throw { error, cause } => Err(TaskFailure { error, cause }),
        MockAnswer::Hang => return Box::pin(std::future::pending()),
    };
    Box::pin(std::future::ready(reply(call, answer)))
}

/// Reports an empty response to the request of the call if it starts a service's job or delivers a token.
fn submit(call: &TaskCall) {
    if call.resource.waits_for_job() || token(call).is_some() {
        call.submitted(json!({}));
    }
}

/// Returns the token through which the call must be answered; `None` for an activity, which the call's result answers.
fn token(call: &TaskCall) -> Option<&str> {
    let is_activity = *call.resource.kind() == ResourceKind::Activity;
    call.token.as_deref().filter(|_| !is_activity)
}

/// Answers a call in the way that it requires: by the call's result, or through its token.
fn reply(call: &TaskCall, answer: Result<Value, TaskFailure>) -> Result<TaskOutput, TaskFailure> {
    let Some(token) = token(call) else {
        return answer.map(TaskOutput::from);
    };
    let answered = match answer {
        Ok(output) => call.tokens.succeed(token, output),
        Err(TaskFailure { error, cause }) => call.tokens.fail(token, error, cause),
    };
    // The token is unknown only if the execution has ended meanwhile.
    let _ = answered;
    Ok(json!({}).into())
}
