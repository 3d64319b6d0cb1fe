//! The runner's one error type.

pub mod exit;
mod failure;

use std::fmt;

use thiserror::Error;

pub use failure::Failure;

use crate::report::Report;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do about a failure; each kind has one exit code and one ASL error name (see [`crate::error::exit`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Nothing but a change outside helps: no permission, a full disk, too little memory, a defect.
    Failed,
    /// The command line, a job folder or a setting is wrong.
    Usage,
    /// A prefix, bucket or file to be read is not there.
    InputMissing,
    /// The data breaks its contract, or a check failed.
    QualityGate,
    /// Another run, or an object that no run wrote, stands in the way.
    Conflict,
    /// The same command may succeed later.
    TryAgain,
    /// It was stopped before it committed anything.
    Cancelled,
}

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
    report: Option<Box<Report>>,
}

impl Error {
    /// A failure of a kind; the message says what and where, in lower case, without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            source: None,
            report: None,
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

    /// Adds what the run had found and done until it failed.
    #[must_use]
    pub fn of_run(mut self, report: Report) -> Self {
        self.report = Some(Box::new(report));
        self
    }

    /// What the run had found and done until it failed; `None` where none was begun.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.report.as_deref()
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
    Credentials(#[from] aws_credential_types::provider::error::CredentialsError),
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
