//! Runs jobs: reads, writes, commits; and the command line.

pub mod error;
pub mod exit;
pub mod progress;
pub mod source;

pub use error::{Error, ErrorKind, Result};
