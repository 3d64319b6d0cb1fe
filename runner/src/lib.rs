//! Runs jobs: reads, writes, commits; and the command line.

pub mod error;
pub mod report;
pub mod watch;

pub mod store;

pub mod commit;

pub mod sql;

pub mod sink;
pub mod source;

pub mod job;

pub mod run;

pub mod machines;

pub mod generate;
pub mod terminal;

pub mod app;
pub mod cli;
pub mod commands;

pub use error::{Error, ErrorKind, Result};
