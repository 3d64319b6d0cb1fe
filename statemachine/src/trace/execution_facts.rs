//! The facts of an execution, from which coverage is computed.

use std::collections::BTreeSet;

use crate::trace::visits::Steps;

/// The result of a [`Trace`](crate::trace::Trace).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Traced {
    /// The visits of the machine's own states, in their order.
    pub steps: Steps,
    /// The facts, from all threads and child executions.
    pub facts: Facts,
}

/// The facts that happened at least once in an execution or one of its children, from which coverage is computed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The states that were entered.
    pub entered: BTreeSet<String>,
    /// Pairs of a state and the state that followed it.
    pub transitions: BTreeSet<(String, String)>,
    /// States whose failure was caught, with the error's name if known, and the state that followed.
    pub caught: BTreeSet<(String, Option<String>, String)>,
    /// States that were retried, with the name of the error if known.
    pub retried: BTreeSet<(String, Option<String>)>,
}
