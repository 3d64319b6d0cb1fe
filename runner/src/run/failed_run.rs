//! The failure of a run, with what it had found.

use crate::error::Error;
use crate::report::Report;

/// Failed run, with what it had found until then.
#[derive(Debug)]
pub struct FailedRun {
    /// Failure of the run.
    pub error: Error,
    /// Report of what was found until then; `None` if no attempt had begun.
    pub report: Option<Box<Report>>,
}

impl From<Error> for FailedRun {
    fn from(error: Error) -> Self {
        Self {
            error,
            report: None,
        }
    }
}
