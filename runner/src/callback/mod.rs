//! Who waits for the end of a run: the port [`Waiter`], and the plain [`Summary`] that it receives.
//!
//! [`crate::run::outcome::execute`] is the port's only caller, so every run ends in one answer, also one that failed before it
//! began.

mod summary;
mod waiter;

pub use summary::{End, Summary, TableSummary};
pub use waiter::{NoWaiter, Waiter};
