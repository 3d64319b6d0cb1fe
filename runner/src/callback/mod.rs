//! The process that waits for the end of a run: its port [`Waiter`], and the plain [`Summary`] that it receives.
//!
//! [`crate::run::outcome::execute`] is the port's only caller. So every run is answered once, even one that failed
//! before it began.

mod summary;
mod waiter;

pub use summary::{End, Summary, TableSummary};
pub use waiter::{NoWaiter, Waiter};
