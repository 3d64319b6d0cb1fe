//! The facts of an execution, from which coverage is computed.

use std::collections::BTreeSet;

use crate::trace::visits::Steps;

/// The visits and facts that a [`Trace`](crate::trace::Trace) has collected.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Traced {
    /// The visits of the machine's own states, in their order.
    pub steps: Steps,
    /// The facts about all states, including those inside branches, iterations and child executions.
    pub facts: Facts,
}

/// Facts about an execution and its child executions, from which coverage is computed; each fact is kept once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The names of the states that were entered.
    pub entered: BTreeSet<String>,
    /// Pairs of names: a state and the state that followed it.
    pub transitions: BTreeSet<(String, String)>,
    /// States whose failure was caught: the name of the state, of the error if known, and of the state that followed.
    pub caught: BTreeSet<(String, Option<String>, String)>,
    /// States that were retried: the name of the state, and of the error if known.
    pub retried: BTreeSet<(String, Option<String>)>,
}
