//! The commit protocol: how the parts of a run become visible together, once, or not at all.
//!
//! ```text
//!   open ----> Opened ---- decide ----> Decision::AlreadyDone
//!   (1 tables listed,  (2 run id)            |
//!    log read once,                     Decision::Run
//!    last publish done)                      |
//!        |                                   v
//!        +-- list, table: inputs        Attempt -- part --> PartWriter -- finish --> StagedPart
//!                                            |                      (3 invisible uploads)
//!                                            | stage (4 rows add up)
//!                                            v
//!                                         Staged -- commit (5 fence, 6 one create-only put) --> conflict, already done,
//!                                            |                                                  start again
//!                                            v
//!                                        Committed -- publish (7 complete, delete, mark) -----> start again
//!                                            |
//!                                            v
//!                                        Published
//! ```
//!
//! `DESIGN.md` of the project numbers the steps; their order was model-checked, and each module keeps it. Whoever finds a
//! record without its mark finishes its publish first, so every step after the commit can be done by anybody, twice, or at
//! the same time. Nothing here computes rows, and nothing here decides what a job means.
//!
//! One assumption: a store does not forget an upload's id before the object that it became shows.
//!
//! A stage cannot be left out:
//!
//! ```compile_fail
//! # async fn wrong(staged: drivetrain_runner::commit::Staged, stop: &drivetrain_runner::commit::StopSignal) {
//! staged.publish(stop).await; // not committed yet
//! # }
//! ```
//!
//! ```compile_fail
//! # async fn wrong(attempt: drivetrain_runner::commit::Attempt, stop: &drivetrain_runner::commit::StopSignal) {
//! attempt.commit(&drivetrain_runner::commit::Unfenced, stop).await; // nothing is staged and verified
//! # }
//! ```

mod attempt;
mod committed;
mod fence;
mod layout;
mod log;
mod open;
mod part;
mod partition;
mod publish;
mod record;
mod repair;
mod run_id;
mod staged;
mod state;
mod stop;
mod vacuum;

pub use attempt::{Attempt, Stager};
pub use committed::{Committed, PublishOutcome, Published};
pub use fence::{Fence, Unfenced};
pub use log::{CHECKPOINT_EVERY, Log};
pub use open::{
    Decision, OpenOptions, Opened, OutputPlan, TableInput, list_input, open, read_table,
};
pub use part::{PartWriter, StagedPart};
pub use partition::{Order, Partition, Window};
pub use record::{
    AttemptId, ColumnType, Columns, Consumed, Entry, FORMAT, Output, Part, Record, Replaces, Run,
    RunId, Upload, Void,
};
pub use repair::{Repaired, RunLine, RunStatus, repair, runs};
pub use run_id::RunInputs;
pub use staged::{CommitOutcome, Staged};
pub use state::{State, Table};
pub use stop::{GRACE, StopSignal, Stopper, cancelled};
pub use vacuum::{VacuumOptions, Vacuumed, vacuum};
