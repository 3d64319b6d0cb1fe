//! The error of binding a run's parameters and of planning its queries.

use datafusion::error::DataFusionError;
use thiserror::Error;

/// Class of an error, by what a caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The job folder is invalid; `drivetrain check` reports every problem with its position.
    Contract,
    /// A parameter of the run is invalid, unknown or missing.
    Parameter,
}

/// Failure to bind a run's parameters or to plan its queries.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Error {
    /// Class of the error: whether the job folder or a parameter of the run is invalid.
    kind: ErrorKind,
    /// Description of the failure: lower case, without a full stop and without its source.
    message: String,
    /// Advice for the user: how to correct the mistake.
    hint: Option<String>,
    /// Error of DataFusion's planner; `None` if the kind is `Parameter`.
    source: Option<Box<DataFusionError>>,
}

impl Error {
    /// Builds an error of kind [`ErrorKind::Contract`] from what DataFusion's planner reported.
    pub(crate) fn contract(message: impl Into<String>, source: DataFusionError) -> Self {
        Self {
            kind: ErrorKind::Contract,
            message: message.into(),
            hint: None,
            source: Some(Box::new(source)),
        }
    }

    /// Builds an error of kind [`ErrorKind::Parameter`].
    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Parameter,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// Sets the hint: how to correct the mistake.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns whether the job folder or a parameter of the run is invalid.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the hint, which says how to correct the mistake; `None` if the message is enough.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
