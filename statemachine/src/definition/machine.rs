//! A machine: a definition that AWS would accept.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::definition::model::{Flow, MachineType};

/// A state machine that AWS would accept, ready to run.
///
/// Cloning is cheap. A machine never changes, so any number of executions can share it.
///
/// ```
/// use drivetrain_statemachine::Machine;
///
/// let error = Machine::parse("{\n  \"StartAt\": \"A\",\n  \"States\": {\"A\": {\"Type\": \"Pass\", \"Next\": \"B\"}}\n}")
///     .unwrap_err();
/// let diagnostic = error.diagnostics().iter().find(|one| one.code.as_str() == "MISSING_TRANSITION_TARGET").unwrap();
/// assert_eq!(diagnostic.to_string(), "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next");
/// let place = diagnostic.place.unwrap();
/// assert_eq!((place.line, place.column), (3, 44));
/// ```
#[derive(Debug, Clone)]
pub struct Machine(pub(crate) Arc<Definition>);

/// The parsed definition of a machine, together with its JSON.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The top-level states of the machine; branches and item processors nest inside these states.
    pub(crate) flow: Flow,
    /// The type of workflow, which determines the allowed service integrations.
    pub(crate) machine_type: MachineType,
    /// `TimeoutSeconds` of the whole execution; `None` if it may run without limit.
    pub(crate) timeout: Option<Duration>,
    /// The definition as JSON, which callers and the best-practice checks read.
    pub(crate) source: Value,
}

/// The name, type and position of one state, for callers that list a machine's states.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StateSummary {
    /// The state's name.
    pub name: String,
    /// The state's `Type`, such as `Task`.
    pub state_type: &'static str,
    /// The number of catchers in the state's `Catch`.
    pub catchers: usize,
    /// The number of Parallel and Map states around the state; 0 for a state of the machine itself.
    pub depth: usize,
}

impl Machine {
    /// Returns the definition as JSON.
    #[must_use]
    pub fn source(&self) -> &Value {
        &self.0.source
    }

    /// Returns the type of workflow, STANDARD or EXPRESS, that the definition was parsed for.
    #[must_use]
    pub fn machine_type(&self) -> MachineType {
        self.0.machine_type
    }

    /// Returns all states; the states of branches and item processors follow the state that contains them.
    #[must_use]
    pub fn states(&self) -> Vec<StateSummary> {
        let mut summaries = Vec::new();
        summarize(&self.0.flow, 0, &mut summaries);
        summaries
    }

    /// Returns the parsed definition, which the engine runs.
    pub(crate) fn definition(&self) -> &Definition {
        &self.0
    }
}

/// Appends the summaries of a flow's states in order, each before those of its inner flows.
fn summarize(flow: &Flow, depth: usize, summaries: &mut Vec<StateSummary>) {
    for state in &flow.states {
        summaries.push(StateSummary {
            name: state.name.clone(),
            state_type: state.kind.name(),
            catchers: state.catch.len(),
            depth,
        });
        for inner in state.flows() {
            summarize(inner, depth + 1, summaries);
        }
    }
}
