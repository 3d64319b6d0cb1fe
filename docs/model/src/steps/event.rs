//! Events that lead from one state to the next, as traces show them.

use super::Step;
use crate::state::Number;

/// A step that a process took, with its outcome.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The step that was taken.
    pub step: Step,
    /// The record that the step concerns; 0 for none.
    pub record: Number,
    /// The key that the step concerns, if any.
    pub key: Option<usize>,
    /// The outcome, in words; empty if there is nothing to say.
    pub note: &'static str,
}

/// An event: the steps of a process, or a fault of the store.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "almost every event is one of a process, and none is kept"
)]
pub enum Event {
    /// A process took a step, and with it the following steps that no other process can observe.
    Steps {
        /// The index of the process.
        who: usize,
        /// The attempt of the process.
        attempt: u8,
        /// The steps; those after the first `None` are unused.
        taken: [Option<Taken>; 6],
    },
    /// The store did something on its own.
    Store {
        /// The key that the event concerns, if any.
        key: Option<usize>,
        /// The record that the event concerns; 0 for none.
        record: Number,
        /// The event, in words.
        note: &'static str,
    },
}
