//! Runs jobs: reads, writes, commits; and the command line.

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

pub mod run;

pub(crate) mod machines;

pub mod generate;
pub(crate) mod terminal;

pub mod app;
pub(crate) mod cli;
pub(crate) mod commands;

pub use error::{Error, ErrorKind, Result};
