//! The crate's one error type.

use datafusion::error::DataFusionError;
use thiserror::Error;

/// What a caller can do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The job folder is wrong: `drivetrain check` says where.
    Contract,
    /// A parameter of the run is wrong, unknown or missing.
    Parameter,
}

/// A failure to bind a run's parameters or to plan its queries.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<DataFusionError>>,
}

impl Error {
    pub(crate) fn contract(message: impl Into<String>, source: DataFusionError) -> Self {
        Self {
            kind: ErrorKind::Contract,
            message: message.into(),
            hint: None,
            source: Some(Box::new(source)),
        }
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Parameter,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What a caller can do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What to do about it, where something can be said.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}
