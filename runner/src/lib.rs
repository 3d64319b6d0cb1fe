//! Runs jobs: reads, writes, commits; and the command line.

pub mod app;
pub mod commands;

pub mod commit;
pub mod source;

pub mod machines;

pub mod generate;
pub mod store;

pub use error::{Error, ErrorKind, Result};
pub mod error;
pub mod report;
pub mod watch;
pub mod terminal;
pub mod sql;
pub mod job;
pub mod run;
pub mod sink;
pub mod cli;
