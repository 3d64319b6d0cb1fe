//! The runner's one error type.

use std::fmt;

use thiserror::Error;

use crate::error::ErrorKind;

/// The result of this crate's fallible functions; the error type is [`Error`](struct@Error) by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: a message, a kind that says what a caller can do, a hint and a cause.
///
/// `Display` prints the message alone; the binary prints the chain of causes and the hint once.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Error {
    /// The class, which decides the exit code.
    kind: ErrorKind,
    /// The message: what happened, and where.
    message: String,
    /// The hint: what to do about it.
    hint: Option<String>,
    /// The error of a library that caused this one.
    source: Option<Box<Cause>>,
}

impl Error {
    /// Creates a failure of a kind; the message says what happened and where, in lower case, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// Adds a hint, which says what to do about the failure.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Cause>) -> Self {
        self.source = Some(Box::new(cause.into()));
        self
    }

    /// Replaces the message, for a caller that knows more than the code that created the error. The kind, the cause and
    /// the hint stay.
    #[must_use]
    pub fn reworded(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Returns the error of a library that caused this one.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.source.as_deref()
    }

    /// Returns the class that says what a caller can do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the hint; `None` if the failure has none.
    #[must_use]
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// Converts an error of a job folder or of parameters into one of kind `Usage`; the hint stays.
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

/// The error of a library, as the cause of an [`Error`](struct@Error).
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

/// Extension of `Result` that adds a kind and a message to the error of a library.
pub trait Context<T> {
    /// Turns the error into an `Error` of this kind, whose message says which operation failed and whose cause is the
    /// original error.
    ///
    /// # Errors
    /// If and only if `self` is an error.
    fn context(self, kind: ErrorKind, message: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Cause>> Context<T> for std::result::Result<T, E> {
    fn context(self, kind: ErrorKind, message: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Error::new(kind, message.to_string()).caused_by(error))
    }
}
