//! Parses, validates and plans job folders, which hold contracts and SQL.
//!
//! A job says what is computed, never where it is stored. It is a folder with a `job.toml` (inputs with their
//! contracts, parameters, outputs, checks) and SQL files. This crate parses the files of the folder into a
//! [`job::Job`], and finds every mistake in the job before any data is read. It plans the job's queries with DataFusion
//! over tables that the caller registers.
//!
//! ```text
//!   job.toml, *.sql          job.toml of other jobs
//!        |                          |
//!        v                          v
//!   Job::parse ------- contracts and tables of other jobs
//!        |
//!        |---- Job::check       plans all SQL over empty tables: every mistake with file, line and column
//!        |---- describe         descriptions of the job for people, as tables of text
//!        v
//!   plan::session_context <--- the caller registers inputs, then tables and outputs as they are computed
//!        |
//!        |---- plan::rule_condition    condition of a row rule
//!        |---- plan::table_plan        rows of an intermediate table
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
//! The types are `string`, `int`, `bigint`, `double`, `decimal(p,s)`, `date`, `timestamp` and `boolean`. Each may be
//! followed by `not null`; without it, NULL is accepted.
//!
//! A column of an output takes the values of its query without a cast if nothing can be lost. Integers and decimals can
//! be written into columns of each other's types and of type `double`, floating-point numbers only into `double`, and
//! all other types only into the same type. So the sum of a `decimal(12,2)`, which is wider in DataFusion, can be
//! written into a `decimal(18,2)`. A value that does not fit, or that would lose digits, fails the run with an error
//! that names the column. Other conversions need a cast in the query.
//!
//! # Invariants
//!
//! - The crate does no IO and reads neither clock nor environment: the same files give the same job, plans and rows.
//! - A job that passes [`job::Job::check`] fails in a run only because of its data: a check that does not hold, a
//!   number that overflows, NULL in a `not null` column.
//! - All problems are reported at once, each with its position. The exception is a query that cannot be planned:
//!   planning stops at its first problem. If it can be planned, every column that differs from the contract is
//!   reported.
//! - A run and `drivetrain check` plan a query in the same way: they share the session configuration and the code from
//!   text to plan.
//! - The arithmetic of the bundled jobs is exact: amounts, hours and averages are integers and decimals until they are
//!   rounded once, at the end.
//! - Names are lower case, so that SQL, Glue and Athena agree on them. A column whose field in the file has another
//!   name declares that name in `from`.
//!
//! # Functions
//!
//! Queries, rules and checks can call DataFusion's functions and the following ones.
//!
#![doc = include_str!("../FUNCTIONS.md")]
//!
//! # Keys of a `job.toml`
#![doc = include_str!("../KEYS.md")]
#![warn(clippy::missing_docs_in_private_items)]

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
