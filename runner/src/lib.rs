//! Runs jobs: reads, writes, commits; and the command line.

pub mod app;
pub mod cli;
pub mod commands;
pub mod settings;

pub mod run;
pub mod stores;
pub mod inputs;
pub mod read;
pub mod source;
pub mod workspace;
pub mod compute;
pub mod check;
pub mod outputs;
pub mod sink;
pub mod commit;
pub mod report;

pub mod display;
pub mod error;
pub mod exit;
pub mod generate;
pub mod hold;
pub mod job_error;
pub mod job_folder;
pub mod memory;
pub mod progress;
pub mod scan;
pub mod signals;
pub mod store;
pub mod table_text;

pub use error::{Error, ErrorKind, Result};
