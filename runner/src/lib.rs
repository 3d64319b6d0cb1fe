//! Runs jobs: reads, writes, commits; and the command line.

pub mod cli;
pub mod display;
pub mod error;
pub mod exit;
pub mod hold;
pub mod memory;
pub mod progress;
pub mod scan;
pub mod sink;

pub use error::{Error, ErrorKind, Result};
