//! The process that waits for the end of a run: its port [`Waiter`], the plain [`Summary`] that it receives, and the
//! task of a state machine, [`WaitingTask`], which is such a process.
//!
//! [`crate::run::outcome::execute`] is the port's only caller. So every run is answered once, even one that failed
//! before it began.

mod step_functions;
mod summary;
mod task_output;
mod task_token;
mod waiter;
mod waiting_task;

pub use summary::{End, RunNumbers, Summary, TableSummary, Written};
pub use task_token::TaskToken;
pub use waiter::{NoWaiter, Waiter};
pub use waiting_task::{HeartbeatSettings, WaitingTask};
