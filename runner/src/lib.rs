//! Runs jobs: reads, writes, commits; and the command line.

pub mod commit;
pub mod error;
pub mod exit;
pub mod progress;
pub mod store;

pub use error::{Error, ErrorKind, Result};
