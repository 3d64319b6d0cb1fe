//! Events between two states, for traces.

use super::Step;
use crate::state::Number;

/// A step that was taken, for a trace.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The step.
    pub step: Step,
    /// The record that it is about; 0 if it is about none.
    pub record: Number,
    /// The key that it is about.
    pub key: Option<usize>,
    /// The outcome.
    pub note: &'static str,
}

/// An event: the steps of a process, or a fault of the store.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "almost every event is one of a process, and none is kept"
)]
pub enum Event {
    /// A process took a step, and the steps after it that no other process sees.
    Steps {
        /// The process.
        who: usize,
        /// Its attempt when it began.
        attempt: u8,
        /// The steps; those after the first `None` are unused.
        taken: [Option<Taken>; 6],
    },
    /// The store did something on its own.
    Store {
        /// The key that it is about.
        key: Option<usize>,
        /// The record that it is about; 0 if it is about none.
        record: Number,
        /// The fault.
        note: &'static str,
    },
}
