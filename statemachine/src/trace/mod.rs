//! What an execution did, as a tree: states, attempts, branches and iterations, each with its time.
//!
//! A [`Trace`] is a [`HistorySink`] that follows the events while they come and forgets what a reader would skip: of a
//! long loop it keeps the beginning and the end, of a large Map the first iterations and the first failures, and
//! counts of all the rest. So it stays small however long the execution is.
//!
//! ```
//! use drivetrain_statemachine::trace::Trace;
//! use drivetrain_statemachine::{Engine, Machine, TaskCall, TaskError};
//! use serde_json::{Value, json};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let machine = Machine::parse(r#"{"StartAt": "Rest", "States": {
//!     "Rest": {"Type": "Wait", "Seconds": 60, "Next": "Done"},
//!     "Done": {"Type": "Succeed"}
//! }}"#)?;
//! let trace = Trace::new();
//! let engine = Engine::new(|_: TaskCall| async { Err::<Value, _>(TaskError::default()) }).history(trace.clone());
//! engine.run(&machine, json!({})).await?;
//! let traced = trace.finish();
//! let rest = traced.steps.iter().next().unwrap();
//! assert_eq!((rest.state.as_str(), rest.duration().num_seconds()), ("Rest", 60));
//! assert!(traced.facts.transitions.contains(&("Rest".to_owned(), "Done".to_owned())));
//! # Ok(())
//! # }
//! ```

mod coverage;
mod executions;
mod follower;
mod thread;
mod thread_ownership;
mod visits;

pub use coverage::{Coverage, Unreached};
pub use visits::{Attempted, Inside, Iteration, Iterations, Steps, Totals, Visit, VisitEnd};

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::definition::Machine;
use crate::definition::field_values::{Setting, SettingSource};
use crate::definition::model::{Flow, Kind};
use crate::engine::{Event, HistorySink};
use follower::{Follower, Reason};

/// Follows executions; clones share what was seen.
#[derive(Debug, Clone, Default)]
pub struct Trace(Arc<Mutex<Follower>>);

/// What a [`Trace`] saw.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Traced {
    /// The machine's own states, in their order.
    pub steps: Steps,
    /// What happened at all, wherever it happened.
    pub facts: Facts,
}

/// What happened at least once in an execution or in one of its children; this is what coverage is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The states that were entered.
    pub entered: BTreeSet<String>,
    /// State by state, where the execution went next.
    pub transitions: BTreeSet<(String, String)>,
    /// A state whose failure was caught, the error's name where it is known, and the state that came next.
    pub caught: BTreeSet<(String, Option<String>, String)>,
    /// A state that was tried again, and the name of the error that it was tried again for, where it is known.
    pub retried: BTreeSet<(String, Option<String>)>,
}

impl Trace {
    /// Makes a trace that keeps no data of the states.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the beginning of each input and output as well.
    #[must_use]
    pub fn with_data(self) -> Self {
        self.lock().keeps_data = true;
        self
    }

    /// Knows the errors that the machine's Fail states name, of which a history tells only the one that ends it.
    #[must_use]
    pub fn of_machine(self, machine: &Machine) -> Self {
        note_failures(&machine.definition().flow, &mut self.lock().failures);
        self
    }

    /// Gives what was seen and forgets it; what is still running counts as stopped.
    #[must_use]
    pub fn finish(&self) -> Traced {
        self.lock().finish()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Follower> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes the Fail states whose error or cause is written out.
fn note_failures(flow: &Flow, failures: &mut HashMap<String, Reason>) {
    let literal = |setting: &Option<Setting>| match setting {
        Some(Setting {
            source: SettingSource::Literal(Value::String(text)),
            ..
        }) => Some(text.clone()),
        _ => None,
    };
    for state in &flow.states {
        if let Kind::Fail(fail) = &state.kind {
            let reason = (literal(&fail.error), literal(&fail.cause));
            if reason != (None, None) {
                failures.insert(state.name.clone(), reason);
            }
        }
        for inner in state.flows() {
            note_failures(inner, failures);
        }
    }
}

impl HistorySink for Trace {
    fn record(&self, event: &Event) {
        self.lock().follow(event);
    }
}
