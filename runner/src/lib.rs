//! Runs jobs: reads raw objects, computes tables and commits them exactly once. Contains the command line too.
//!
//! A sample of rentals becomes a published table:
//!
//! ```
//! use std::any::Any;
//! use std::time::Duration;
//!
//! use drivetrain_runner::callback::NoWaiter;
//! use drivetrain_runner::commit::Unfenced;
//! use drivetrain_runner::run::outcome::execute;
//! use drivetrain_runner::run::request::RunRequest;
//! use drivetrain_runner::run::settings::{RunSettings, Shape};
//! use drivetrain_runner::sink::parquet::file_settings::FileSettings;
//! use drivetrain_runner::source::OnBadRow;
//! use drivetrain_runner::sql::engine_settings::EngineSettings;
//! use drivetrain_runner::sql::memory::{MemoryLimit, OtherProcesses};
//! use drivetrain_runner::store::Location;
//! use drivetrain_runner::watch::{Progress, StageObserver, StopSignal};
//!
//! struct Quiet;
//!
//! impl StageObserver for Quiet {
//!     fn started(&self, _name: &'static str, _progress: &Progress) -> Box<dyn Any + Send> {
//!         Box::new(())
//!     }
//!     fn finished(&self, _name: &'static str, _progress: &Progress, _took: Duration) {}
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let root = folder.path().to_str().expect("the path is UTF-8");
//! # let users = format!("{root}/raw/trips");
//! # std::fs::create_dir_all(&users)?;
//! # std::fs::write(format!("{users}/trips.csv"), "id,km\n1,12\n2,30\n")?;
//! let file = |name: &str, text: &str| drivetrain_jobs::job::JobFile {
//!     name: name.to_owned(),
//!     text: text.to_owned(),
//! };
//! let files = vec![
//!     file("job.toml", r#"
//!         name = "distances"
//!         [inputs.trips]
//!         raw = "trips"
//!         [inputs.trips.columns]
//!         id = "int not null"
//!         km = "int not null"
//!         [outputs.total]
//!         [outputs.total.columns]
//!         km = "bigint"
//!     "#),
//!     file("total.sql", "select cast(sum(km) as bigint) as km from trips"),
//! ];
//! let job = drivetrain_jobs::job::Job::check(files, &|_| None).await.map_err(|problems| format!("{problems:?}"))?;
//! let stop = StopSignal::never();
//! let prepared = async {
//!     Ok(RunRequest {
//!         job,
//!         settings: RunSettings {
//!             input: Some(Location::parse(root)?),
//!             output: Location::parse(&format!("{root}/lake"))?,
//!             parameters: Default::default(),
//!             checks: Vec::new(),
//!             force: false,
//!             replace_foreign: false,
//!             shape: Shape {
//!                 on_bad_row: OnBadRow::Quarantine,
//!                 max_rejected: 0.01,
//!                 files: FileSettings::default(),
//!             },
//!             emr: None,
//!             engine: EngineSettings {
//!                 memory: MemoryLimit::resolve(Some("1GiB"), OtherProcesses::Ignored)?,
//!                 threads: 2,
//!                 spill_dir: std::env::temp_dir(),
//!             },
//!         },
//!         fence: &Unfenced,
//!         stop: &stop,
//!         stages: &Quiet,
//!         started_at: chrono::Utc::now(),
//!         register: None,
//!     })
//! };
//! let report = execute("distances", prepared, &NoWaiter).await.map_err(|failed| failed.error)?;
//! assert_eq!((report.record, report.outputs[0].rows), (1, 1));
//! # Ok(())
//! # }
//! ```
//!
//! # The path of a row
//!
//! ```text
//!  raw objects ─> source ──────> jobs (SQL) ───> sink ────> checks ──> commit ──────> publish ──> report
//!                 frozen by      planned and     parts that            one put of     replayable  run/outcome:
//!                 ETag, decoded  run in sql      no reader             one small                  exit code,
//!                 by contract      │             sees                  record                     waiter
//!                   └─> quarantine └─> held rows
//! ```
//!
//! # The folders
//!
//! Each folder answers one question, and uses only the folders above it in this list:
//!
//! | folder | question |
//! |---|---|
//! | [`error`] | What can a caller do about a failure? |
//! | [`report`] | What did a run do? |
//! | [`watch`] | How far is a run, and was it asked to stop? |
//! | [`store`] | How are bytes read and written, and what does a store's failure mean? |
//! | [`commit`] | When do a run's outputs become visible? |
//! | [`sql`] | In which environment do queries run? |
//! | [`source`], [`sink`] | How do raw objects become rows, and how do rows become files? |
//! | `job` | Which job does a name mean? |
//! | [`callback`] | Who waits for the end of a run? |
//! | [`catalog`] | How do other engines find a published table? |
//! | [`run`] | How does a row travel from a raw object to a published table? |
//! | `supervise` | Which process answers for a run whose process may be killed? |
//! | `machines` | What do state machines need at a command line? |
//! | [`generate`] | How is sample data made? |
//! | `terminal`, `cli`, `commands`, [`app`] | How does a command line become an exit code? |
//!
//! # Invariants
//!
//! - Success cannot be reported before the commit: `Staged`, `Committed` and `Published` are types, and a value of each
//!   can be made only from a value of the type before it.
//! - Every run ends in [`run::outcome::execute`]: the exit code, the report and the answer to a waiting process follow
//!   from its result.
//! - Only `cli` knows flags. Only `cli` reads the environment, except for AWS's variables, which `store` reads.
//! - Only `store` and `callback` know AWS's SDKs.
//! - The crates `jobs` and `statemachine` do not know each other: this crate is the only one that uses both.

#![warn(clippy::missing_docs_in_private_items)]

pub mod error;
pub mod report;
pub mod watch;

pub mod store;

pub mod commit;

pub mod sql;

pub mod sink;
pub mod source;

pub(crate) mod job;

pub mod callback;

pub mod catalog;

pub mod run;

pub(crate) mod supervise;

pub(crate) mod machines;

pub mod generate;
pub(crate) mod terminal;

pub mod app;
pub(crate) mod cli;
pub(crate) mod commands;

pub use error::{Error, ErrorKind, Result};
