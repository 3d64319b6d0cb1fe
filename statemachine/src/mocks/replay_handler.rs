//! The task handler that repeats the answers of a recorded execution.
//!
//! Mocked tasks take no time, so concurrent iterations make their calls in another order than when they were recorded.
//! This handler matches calls by their input, which replays them exactly. Sorting the recorded calls by the replay's
//! clock needs no machine, but is wrong for most random executions (`tests/it/replay.rs`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Notify;

use crate::error::Error;
use crate::mocks::mock_file::MockAnswer;
use crate::mocks::mock_handler::{OBJECT_RESOURCES, answered};
use crate::mocks::mocks_from_history::{RecordedCall, mock_file, recorded_calls};
use crate::{TaskCall, TaskFailure, TaskHandler, TaskOutput};

/// A handler that answers each call with a recorded answer: the answer to the state's recorded call with the most
/// similar input.
///
/// Clones share the recorded calls, so each recorded answer is given only once.
///
/// The input need not be equal, because tokens, dates and execution names differ in every execution. A call is never
/// answered if no recorded call of its state is left; see [`diverged`](Self::diverged).
///
/// ```
/// use drivetrain_statemachine::mocks::ReplayHandler;
/// use drivetrain_statemachine::{Engine, History, Machine, TaskCall, TaskFailure};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let machine = Machine::parse(r#"{"StartAt": "Ask", "States": {"Ask": {
///     "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true
/// }}}"#)?;
/// // As `get-execution-history` prints it; here another execution of ours.
/// let history = History::default();
/// let engine = Engine::new(|_: TaskCall| async { Ok::<_, TaskFailure>(json!(42)) }).history(history.clone());
/// engine.run(&machine, json!({})).await?;
/// let recorded = serde_json::to_value(history.events())?;
///
/// let replay = ReplayHandler::new([&recorded])?;
/// let outcome = Engine::new(replay.clone()).run(&machine, json!({})).await?;
/// assert_eq!(outcome.output, Some(json!(42)));
/// // The same as a mock file, with the answers in the order of the machine's calls.
/// let file = replay.mock_file("Asking", "LastNight");
/// assert_eq!(file["MockedResponses"]["LastNight-Ask"], json!({"0": {"Return": 42}}));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReplayHandler {
    /// The recorded calls and the answers so far, which all clones share.
    shared: Arc<ReplayState>,
    /// `true` if a call without a recorded answer hangs instead of diverging.
    is_patient: bool,
}

/// The recorded calls and the signal that all clones of a handler share.
struct ReplayState {
    /// The calls of each state, by the state's name.
    states: Mutex<BTreeMap<String, StateCalls>>,
    /// The signal that a state made more calls than were recorded, for which [`ReplayHandler::diverged`] waits.
    changed: Notify,
}

/// The recorded calls of one state, and the answers that it got in the replay.
#[derive(Default)]
struct StateCalls {
    /// The recorded calls that no call of the replay has matched yet.
    left: Vec<RecordedCall>,
    /// The answers so far, in the order of the replay's calls.
    answers: Vec<MockAnswer>,
    /// `true` once the state made a call when no recorded call was left.
    has_diverged: bool,
}

impl ReplayHandler {
    /// Creates a handler from the histories of an execution and its child executions, as `get-execution-history` prints
    /// them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidHistory`](crate::ErrorKind::InvalidHistory) if a value is not a history, or if it was
    /// recorded without its execution data.
    pub fn new<'v>(histories: impl IntoIterator<Item = &'v Value>) -> Result<Self, Error> {
        let calls = recorded_calls(histories)?.into_iter();
        let states = calls.map(|(state, left)| {
            let calls = StateCalls {
                left,
                ..StateCalls::default()
            };
            (state, calls)
        });
        let shared = ReplayState {
            states: Mutex::new(states.collect()),
            changed: Notify::new(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            is_patient: false,
        })
    }

    /// Lets a call hang if no recorded answer is left, instead of [diverging](Self::diverged).
    ///
    /// In a replay tasks take no time. So a branch may make more calls than recorded before a failure in another branch
    /// ends it.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.is_patient = true;
        self
    }

    /// Waits until a state makes more calls than were recorded, and returns the state's name. The machine then differs
    /// from the recorded one.
    pub async fn diverged(&self) -> String {
        loop {
            let changed = self.shared.changed.notified();
            let state = self.lock().iter().find_map(|(state, calls)| {
                let state = calls.has_diverged.then_some(state);
                state.cloned()
            });
            if let Some(state) = state {
                return state;
            }
            changed.await;
        }
    }

    /// Builds a mock file with one case: the answers in the order of the replay's calls, then the recorded answers that
    /// no call received.
    #[must_use]
    pub fn mock_file(&self, machine: &str, case: &str) -> Value {
        let states = self.lock();
        let answers = states.iter().map(|(state, calls)| {
            let left = calls.left.iter().map(|call| &call.answer);
            let answers = calls.answers.iter().chain(left).cloned().collect();
            (state.clone(), answers)
        });
        mock_file(machine, case, answers)
    }

    /// Locks the calls, even if a thread panicked while it held the lock.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, StateCalls>> {
        let states = self.shared.states.lock();
        states.unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the recorded call with the most similar input and returns its answer; `None` if no recorded call is left.
    fn next(&self, state: &str, input: &Value, is_object: bool) -> Option<MockAnswer> {
        let mut states = self.lock();
        let calls = states.entry(state.to_owned()).or_default();
        let likeness =
            |call: &RecordedCall| call.input.as_ref().map_or(0, |one| likeness(one, input));
        // Of several equally similar calls, the first one counts.
        let best = (0..calls.left.len())
            .rev()
            .max_by_key(|index| likeness(&calls.left[*index]));
        let Some(best) = best else {
            // Histories do not show the objects that Maps read and write.
            if self.is_patient && !is_object {
                calls.answers.push(MockAnswer::Hang);
                return Some(MockAnswer::Hang);
            }
            calls.has_diverged = true;
            self.shared.changed.notify_waiters();
            return None;
        };
        let answer = calls.left.remove(best).answer;
        calls.answers.push(answer.clone());
        Some(answer)
    }
}

/// Returns the number of equal parts of two values minus the number of their different parts.
fn likeness(one: &Value, other: &Value) -> i64 {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let fields = one.iter().map(|(name, value)| match other.get(name) {
                Some(other) => likeness(value, other),
                None => -1,
            });
            let more = other.keys().filter(|name| !one.contains_key(*name)).count();
            fields.sum::<i64>() - i64::try_from(more).unwrap_or(i64::MAX / 2)
        }
        (Value::Array(one), Value::Array(other)) => {
            let items = one
                .iter()
                .zip(other)
                .map(|(one, other)| likeness(one, other));
            let more = one.len().abs_diff(other.len());
            items.sum::<i64>() - i64::try_from(more).unwrap_or(i64::MAX / 2)
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => 1,
        (one, other) if one == other => 1,
        _ => -1,
    }
}

impl TaskHandler for ReplayHandler {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<TaskOutput, TaskFailure>> {
        let is_object = call.resource.arn().starts_with(OBJECT_RESOURCES);
        match self.next(&call.state, &call.input, is_object) {
            Some(answer) => answered(&call, answer),
            None => Box::pin(std::future::pending()),
        }
    }
}

impl fmt::Debug for ReplayHandler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let states = self.lock();
        let left = states
            .iter()
            .map(|(state, calls)| (state, calls.left.len()));
        formatter.debug_map().entries(left).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_values_are_the_most_similar() {
        let call = json!({"id": 7, "at": "2026-01-01", "items": [1, 2]});
        let same = likeness(
            &call,
            &json!({"id": 7.0, "at": "2026-02-02", "items": [1, 2]}),
        );
        let other = likeness(
            &call,
            &json!({"id": 8, "at": "2026-02-02", "items": [1, 2]}),
        );
        let longer = likeness(
            &call,
            &json!({"id": 7, "at": "2026-02-02", "items": [1, 2, 3]}),
        );
        assert!(same > other && same > longer, "{same} {other} {longer}");
        assert_eq!(likeness(&json!(null), &json!(null)), 1);
    }
}
