//! The runner's one error type.

use std::fmt;

use thiserror::Error;

use crate::error::ErrorKind;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: what went wrong, what can be done, and what caused it.
///
/// `Display` prints the message alone; the chain of causes and the hint are printed once, by the binary.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    source: Option<Box<Cause>>,
}

impl Error {
    /// A failure of a kind; the message says what and where, in lower case, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what caused it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.source = Some(Box::new(cause.into()));
        self
    }

    /// Says it in other words, where more is known than below; kind, cause and hint stay.
    #[must_use]
    pub fn reworded(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// The library's failure that caused it.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.source.as_deref()
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

/// A wrong job folder or parameter is a matter of usage.
impl From<drivetrain_jobs::Error> for Error {
    fn from(error: drivetrain_jobs::Error) -> Self {
        let failed = Self::new(ErrorKind::Usage, error.to_string());
        let failed = match error.hint_text() {
            Some(hint) => failed.hint(hint),
            None => failed,
        };
        failed.caused_by(error)
    }
}

/// The failures of the libraries below.
#[derive(Debug, Error)]
#[expect(
    missing_docs,
    reason = "each variant is the error of the library that it names"
)]
pub enum Cause {
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
    #[error(transparent)]
    DataFusion(#[from] datafusion::error::DataFusionError),
    #[error(transparent)]
    Drivetrain(#[from] Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Job(#[from] drivetrain_jobs::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error(transparent)]
    Store(#[from] object_store::Error),
    #[error(transparent)]
    Url(#[from] url::ParseError),
}

/// Adds a message and a kind to the error of a library.
pub trait Context<T> {
    /// Turns the error into one of `kind` whose message says what was being done.
    ///
    /// # Errors
    /// The same failure, with the context.
    fn context(self, kind: ErrorKind, message: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Cause>> Context<T> for std::result::Result<T, E> {
    fn context(self, kind: ErrorKind, message: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::new(kind, message.to_string()).caused_by(error))
    }
}
