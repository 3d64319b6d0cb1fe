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

use std::process::ExitCode;

use crate::error::ErrorKind;
use crate::error::exit;

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
