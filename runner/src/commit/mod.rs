//! The commit protocol: the files that a run writes (its parts) become visible all together and once, or not at all.
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
//! `docs/commit-protocol.md` describes the numbered steps. Their order was model-checked, and each module keeps it. A
//! process that finds a record without its mark finishes the publish of that record first. So any process can do the
//! steps after the commit, even twice or at the same time as another process. This folder computes no rows and does not
//! know what a job computes.
//!
//! The protocol assumes that a store knows an upload's id at least until the object made from that upload is visible.
//!
//! A run in memory:
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use drivetrain_runner::commit::{self, *};
//! use drivetrain_runner::store::Store;
//! use drivetrain_runner::watch::StopSignal;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> drivetrain_runner::Result<()> {
//! let (store, stop) = (Store::memory(), StopSignal::never());
//! let plan = OutputPlan {
//!     table: "rentals".to_owned(),
//!     columns: Columns::default(),
//!     replaces: Replaces::Table,
//!     summed: Vec::new(),
//! };
//! let opened = commit::open(&store, "job", vec![plan], OpenOptions::default()).await?;
//! let run = RunId::of(&RunInputs {
//!     job: "job",
//!     files: &[],
//!     parameters: &BTreeMap::new(),
//!     contracts: "",
//!     inputs: &BTreeMap::new(),
//!     version: "0.1.0",
//! });
//! let Decision::Run(attempt) = opened.decide(run, &[], false).await? else {
//!     return Ok(()); // already done
//! };
//! let mut part = attempt.part("rentals", Partition::whole(), "parquet").await?;
//! part.write("PAR1".into()).await?;
//! let part = part.finish(1).await?;
//! let rows = BTreeMap::from([("rentals".to_owned(), 1)]);
//! let staged = attempt.stage(vec![part], &rows, serde_json::Value::Null).await?;
//! if let CommitOutcome::Committed(committed) = staged.commit(&Unfenced, &stop).await? {
//!     assert!(matches!(committed.publish(&stop).await?, PublishOutcome::Published(_)));
//! }
//! assert_eq!(commit::read_table(&store, "job", "rentals").await?.objects.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! A skipped stage does not compile:
//!
//! ```compile_fail,E0599
//! # async fn wrong(staged: drivetrain_runner::commit::Staged, stop: &drivetrain_runner::watch::StopSignal) {
//! staged.publish(stop).await; // not committed yet
//! # }
//! ```
//!
//! ```compile_fail,E0599
//! # async fn wrong(attempt: drivetrain_runner::commit::Attempt, stop: &drivetrain_runner::watch::StopSignal) {
//! attempt.commit(&drivetrain_runner::commit::Unfenced, stop).await; // not staged and verified yet
//! # }
//! ```

mod attempt;
mod attempt_notes;
mod attempt_state;
mod bounded_concurrency;
mod committed;
mod fence;
mod input;
mod layout;
mod live_state;
mod log;
mod open;
mod output_plan;
mod part_writer;
mod partition;
mod pending_fsyncs;
mod publish;
mod record;
mod repair;
mod replaced_part;
mod run_id;
mod staged;
mod table_columns;
mod vacuum;

pub use attempt::{Attempt, Stager};
pub use committed::{Committed, PublishOutcome, Published};
pub use fence::{Fence, Unfenced};
pub use input::{TableInput, foresee_table, list_data, list_input, published_log, read_table};
pub use layout::{report_key, table_root};
pub use live_state::{State, Table};
pub use log::{CHECKPOINT_EVERY, Log, jobs_with_log};
pub use open::{Decision, OpenOptions, Opened, foresee, open};
pub use output_plan::OutputPlan;
pub use part_writer::{PartWriter, StagedPart};
pub use partition::{Order, Partition, Window};
pub use record::{
    AttemptId, Consumed, Entry, FORMAT, Output, Part, Record, Replaces, Run, RunId, Sums, Upload,
    Void,
};
pub use repair::{Repaired, RunLine, RunStatus, repair, runs};
pub use replaced_part::name_replacer;
pub use run_id::RunInputs;
pub use staged::{CommitOutcome, Staged};
pub use table_columns::{ColumnType, Columns};
pub use vacuum::{VacuumOptions, Vacuumed, vacuum};
