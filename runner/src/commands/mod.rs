//! One file for each verb of the command line.

pub mod check;
pub mod generate;
pub mod jobs;
pub mod local;
pub mod mocks;
pub mod new_job;
pub mod new_machine;
pub mod plan;
pub mod query;
pub mod repair;
pub mod run;
pub mod runs;
pub mod simulate;
pub mod test;
pub mod test_state;
pub mod vacuum;

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::error::{Context, ErrorKind, Result};
use crate::exit;

/// How a verb ended that has said all there is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Passed,
    /// It did what it was asked, and what it did it to failed.
    Failed,
    /// What it was given has errors.
    Invalid,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::SUCCESS,
            Verdict::Failed => Self::from(exit::code(ErrorKind::Failed)),
            Verdict::Invalid => Self::from(exit::code(ErrorKind::Usage)),
        }
    }
}

/// Prints a result as one JSON object on standard output.
///
/// # Errors
/// `Failed`, if it cannot be written.
pub fn print_json(result: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(result)
        .context(ErrorKind::Failed, "cannot write the result")?;
    print_text(&(text + "\n"))
}

/// Prints a result for people on standard output; a reader that has seen enough, such as `head`, is no failure.
///
/// # Errors
/// `Failed`, if it cannot be written.
pub fn print_text(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context(ErrorKind::Failed, "cannot write the result"),
    }
}
