//! One file for each verb of the command line.

pub mod check;
pub mod generate;
pub mod jobs;
pub mod local;
pub mod new_job;
pub mod plan;
pub mod query;
pub mod repair;
pub mod run;
pub mod runs;
pub mod vacuum;

use serde::Serialize;

use crate::cli::Command;
use crate::error::{Context, ErrorKind, Result};
use crate::settings::processors;

/// Threads of the process: as many as the data work was given.
#[must_use]
pub fn worker_threads(command: &Command) -> usize {
    let asked = match command {
        Command::Run(args) | Command::Plan(args) => args.engine.threads,
        Command::Local(args) => args.engine.threads,
        _ => None,
    };
    asked
        .filter(|threads| *threads > 0)
        .unwrap_or_else(processors)
}

/// Prints a result as one JSON object on standard output.
///
/// # Errors
/// `Failed`, if it cannot be written.
pub fn print_json(result: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(result)
        .context(ErrorKind::Failed, "cannot write the result")?;
    println!("{text}");
    Ok(())
}
