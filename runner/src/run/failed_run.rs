//! The failure of a run, with the findings before it.

use crate::error::Error;
use crate::report::Report;

/// A failed run, with its findings before the failure.
#[derive(Debug)]
pub struct FailedRun {
    /// The failure of the run.
    pub error: Error,
    /// The report of the findings before the failure; `None` if no attempt had begun.
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
