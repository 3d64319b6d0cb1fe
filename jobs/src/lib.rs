//! Job folders: contracts and SQL, parsed, checked and planned.
//!
//! A job says what is computed, never where it is stored. It is a folder with a `job.toml` (inputs with their contracts,
//! parameters, outputs, checks) and SQL files. This crate reads the texts of such a folder into a [`job::Job`], finds every
//! mistake in it before any data is read, and plans its queries with DataFusion over tables that the caller brings.
//!
//! ```text
//!   job.toml, *.sql          job.toml of other jobs
//!        |                          |
//!        v                          v
//!   Job::parse ------- contracts and tables taken from them
//!        |
//!        |---- Job::check       all SQL planned over empty tables: every mistake with file, line and column
//!        |---- describe         tables of text for people
//!        v
//!   plan::session_context <--- the caller registers inputs, then tables and outputs as they are computed
//!        |
//!        |---- plan::rule_condition    rows of an input that break a rule
//!        |---- plan::table_plan        intermediate tables, each once
//!        |---- plan::output_plan       rows of exactly the contract's columns and types
//!        `---- plan::check_plan        what must hold before anything is published
//! ```
//!
//! # Example
//!
//! ```
//! use drivetrain_jobs::job::{Job, JobFile};
//!
//! let file = |name: &str, text: &str| JobFile { name: name.to_owned(), text: text.to_owned() };
//! let files = vec![
//!     file("job.toml", r#"
//! name = "sales"
//!
//! [inputs.orders]
//! key = "order_id"
//!
//! [inputs.orders.columns]
//! order_id = "bigint not null"
//! amount = "decimal(12,2) not null"
//! day = "date not null"
//!
//! [inputs.orders.rules]
//! amount_is_not_negative = "amount >= 0"
//!
//! [outputs.days]
//! partition_by = "day"
//!
//! [outputs.days.columns]
//! revenue = "decimal(18,2) not null"
//! day = "date not null"
//! "#),
//!     file("days.sql", "select day, sum(amount) as revenue from orders group by day"),
//! ];
//! let job = Job::parse(files, &|_| None)?;
//! assert_eq!(job.outputs[0].partition_by, ["day"]);
//! # Ok::<(), drivetrain_jobs::Problems>(())
//! ```
//!
//! # Types
//!
//! `string`, `int`, `bigint`, `double`, `decimal(p,s)`, `date`, `timestamp` and `boolean`; any of them with `not null`
//! after it, for without it NULL is accepted. An output takes what its query gives where nothing is lost: whole numbers
//! and decimals go into each other and into `double`, and a value that does not fit, or would lose digits, fails the run
//! with the column's name. A floating point number goes into `double` only, a text into `string` only, and so on: other
//! conversions are casts, to be written in the query. So the sum of a `decimal(12,2)`, wider in DataFusion, is written into
//! a `decimal(18,2)` without a cast.
//!
//! # Invariants
//!
//! - It never does IO, reads no clock and no environment: the same files give the same job, the same plans, the same rows.
//! - A job that [`job::Job::check`] passes fails in a run over its data only: a broken check, a number that overflows, NULL
//!   in a `not null` column.
//! - All problems come at once and each has its place; only within one query the first hides the others.
//! - What a check plans, a run plans: there is one session configuration and one path from text to plan.
//! - Arithmetic of the bundled jobs is exact: amounts, hours and averages are whole numbers and decimals until the one
//!   rounding at their end.
//! - Names are lower case, so that SQL, Glue and Athena see the same ones; the file's own names stand in `from`.
//!
//! # Functions
//!
//! SQL has DataFusion's functions and these:
//!
#![doc = include_str!("../FUNCTIONS.md")]
//!
//! # Keys of a `job.toml`
#![doc = include_str!("../KEYS.md")]

pub mod contract;
pub mod job;

pub mod name;
pub mod suggestion;
pub mod time_pattern;
mod value_parser;

mod manifest;
mod problem;

pub mod hash_table;
pub mod plan;
mod sql_functions;

mod validation;

pub mod bundled;
pub mod describe;
pub mod draft;

mod error;

pub use self::error::{Error, ErrorKind};
pub use self::manifest::Others;
pub use self::problem::{Problem, Problems};
