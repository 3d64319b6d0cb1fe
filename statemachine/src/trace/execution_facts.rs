//! What happened in an execution, which coverage is made of.

use std::collections::BTreeSet;

use crate::trace::visits::Steps;

/// What a [`Trace`](crate::trace::Trace) saw.
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
