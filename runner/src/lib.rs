//! Runs jobs: reads, writes, commits; and the command line.

pub mod check;
pub mod cli;
pub mod commit;
pub mod compute;
pub mod display;
pub mod error;
pub mod exit;
pub mod generate;
pub mod hold;
pub mod inputs;
pub mod job_error;
pub mod job_folder;
pub mod memory;
pub mod progress;
pub mod report;
pub mod scan;
pub mod settings;
pub mod sink;
pub mod source;
pub mod store;
pub mod stores;
pub mod workspace;

pub use error::{Error, ErrorKind, Result};
