//! Runs jobs: reads, writes, commits; and the command line.

pub mod cli;
pub mod commit;
pub mod display;
pub mod error;
pub mod exit;
pub mod hold;
pub mod memory;
pub mod progress;
pub mod report;
pub mod scan;
pub mod settings;
pub mod sink;
pub mod store;

pub use error::{Error, ErrorKind, Result};
