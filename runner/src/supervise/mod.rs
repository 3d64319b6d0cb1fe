//! The parent process of a run with a task token. It keeps the token, sends the heartbeats and the one answer, and
//! starts the run in a child process. So the task is answered even if the child is killed.
//!
//! ```text
//!  Step Functions <── heartbeats, answer ── parent ── signals, stop ──> child ──> stores
//!                                             │                          │
//!                                             └─── replies ── pipe <─────┘ activity, may I commit?,
//!                                                                          about to put, ended
//! ```
//!
//! The child tells the parent before it puts the record of its run. If it dies before that, nothing is committed, and
//! the parent answers with the cause of the death. If it dies after that without its result, only the log says whether
//! the run is committed, and the parent answers `Drivetrain.TryAgain`: the same command settles it.
//!
//! The end of the pipe stops the child, so a run never outlives the process that could answer for it.

mod child;
mod death;
mod message;
mod parent;
mod stop_requests;

pub use child::Supervisor;
pub use parent::{Supervision, supervise};
