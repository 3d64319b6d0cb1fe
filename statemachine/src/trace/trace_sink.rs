//! The history sink that traces executions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::definition::Machine;
use crate::definition::field_values::{Setting, SettingSource};
use crate::definition::model::{Flow, StateKind};
use crate::engine::{Event, HistorySink};
use crate::trace::event_follower::{EventFollower, Reason};
use crate::trace::execution_facts::Traced;

/// A history sink that traces executions; clones share the trace.
#[derive(Debug, Clone, Default)]
pub struct Trace(Arc<Mutex<EventFollower>>);

impl Trace {
    /// Creates a trace that keeps no inputs and outputs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the trace to keep the beginning of each input and output too.
    #[must_use]
    pub fn with_data(self) -> Self {
        self.lock().keeps_data = true;
        self
    }

    /// Adds the errors of the machine's Fail states; a history only has the error that ends the execution.
    #[must_use]
    pub fn of_machine(self, machine: &Machine) -> Self {
        note_failures(&machine.definition().flow, &mut self.lock().failures);
        self
    }

    /// Returns the trace and starts a new one; states that have not ended count as stopped.
    #[must_use]
    pub fn finish(&self) -> Traced {
        self.lock().finish()
    }

    /// Locks the follower, even if a thread panicked while it held the lock.
    fn lock(&self) -> std::sync::MutexGuard<'_, EventFollower> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Collects the errors and causes of a flow's Fail states, by the name of the state; computed values are left out.
fn note_failures(flow: &Flow, failures: &mut HashMap<String, Reason>) {
    let literal = |setting: &Option<Setting>| match setting {
        Some(Setting {
            source: SettingSource::Literal(Value::String(text)),
            ..
        }) => Some(text.clone()),
        _ => None,
    };
    for state in &flow.states {
        if let StateKind::Fail(fail) = &state.kind {
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
