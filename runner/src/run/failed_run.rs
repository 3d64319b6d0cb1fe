//! The error of a run, together with the report of what was found before it.

use crate::error::Error;
use crate::report::Report;

/// A failed run: its error, and the report of what it read, computed and checked before.
#[derive(Debug)]
pub struct FailedRun {
    /// The error that ended the run; its kind decides the exit code.
    pub error: Error,
    /// The report of the attempt that ended. `None` if there is none: no attempt had begun, every attempt was void, or
    /// the report could not be converted to or from JSON.
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
