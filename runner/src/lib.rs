//! Runs jobs: reads, writes, commits; and the command line.

pub mod app;
pub mod cli;
pub mod commands;
pub mod settings;

pub mod check;
pub mod commit;
pub mod compute;
pub mod inputs;
pub mod outputs;
pub mod read;
pub mod run;
pub mod sink;
pub mod source;
pub mod start;
pub mod stores;

pub mod machines;

pub mod generate;
pub mod preview;
pub mod store;

pub use error::{Error, ErrorKind, Result};
pub mod error;
pub mod report;
pub mod watch;
pub mod terminal;
pub mod sql;
pub mod job;
