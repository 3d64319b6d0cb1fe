//! The failure of a run, with what it had found.

use crate::error::Error;
use crate::report::Report;

/// A run that failed, with what it had found until then.
#[derive(Debug)]
pub struct FailedRun {
    /// Why it failed.
    pub error: Error,
    /// What it had found; `None` if it failed before an attempt began.
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
