//! The parent process of a run with a task token. It keeps the token, sends the heartbeats and the one answer, and
//! starts the run in a child process. So the task is answered even if the child is killed.
//!
//! ```text
//!  Step Functions <── heartbeats, answer ── parent ──── stop, kill ───> child ──> stores
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

mod busy_file;
mod child;
mod death;
mod emr_node;
mod message;
mod node;
mod oom_kills;
mod parent;
mod spot_interruption;
mod stop_requests;
mod system_shutdown;

pub use child::Supervisor;
pub use emr_node::{emr_step, spill_folder};
pub use node::watch_node;
pub use oom_kills::prefer_for_oom_kill;
pub use parent::{Supervision, supervise};
pub use spot_interruption::is_ec2;
pub use stop_requests::{stop_at_signals, stop_with_launcher};
