//! Runs jobs: reads, writes, commits; and the command line.

pub mod error;
pub mod exit;
pub mod generate;
pub mod progress;

pub use error::{Error, ErrorKind, Result};
