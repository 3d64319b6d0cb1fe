//! The crate's error.

use std::fmt;

use crate::diagnostics::diagnostic::Diagnostic;

/// Says why a definition, an input or a request was refused.
///
/// A failing execution is no error of this crate: it ends with [`Status::Failed`](crate::Status::Failed).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    diagnostics: Vec<Diagnostic>,
}

/// Tells what the caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The definition has errors: change what [`Error::diagnostics`] names.
    InvalidDefinition,
    /// The execution's input cannot be taken: make it smaller or flatter.
    InvalidInput,
    /// A request of the TestState call contradicts itself: change the request.
    InvalidRequest,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            diagnostics: Vec::new(),
        }
    }

    pub(crate) fn definition(diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            kind: ErrorKind::InvalidDefinition,
            message: String::new(),
            diagnostics,
        }
    }

    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Names the exception that AWS's API answers with.
    #[must_use]
    pub fn aws_code(&self) -> &'static str {
        match self.kind {
            ErrorKind::InvalidDefinition => "InvalidDefinition",
            ErrorKind::InvalidInput => "InvalidExecutionInput",
            ErrorKind::InvalidRequest => "ValidationException",
        }
    }

    /// Words the error as AWS's API does.
    #[must_use]
    pub fn aws_message(&self) -> String {
        if self.diagnostics.is_empty() {
            return self.message.clone();
        }
        // AWS writes a place that there is not as `null`.
        let errors = self.errors(|error| match &error.location {
            Some(_) => error.to_string(),
            None => format!("{error} at null"),
        });
        format!("Invalid State Machine Definition: '{errors}'")
    }

    fn errors(&self, word: impl Fn(&Diagnostic) -> String) -> String {
        let errors = self.diagnostics.iter().filter(|one| one.is_error());
        errors.map(word).collect::<Vec<_>>().join(", ")
    }

    /// Lists every problem of an invalid definition, errors before warnings.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.diagnostics.is_empty() {
            return formatter.write_str(&self.message);
        }
        write!(
            formatter,
            "invalid state machine definition: {}",
            self.errors(ToString::to_string)
        )
    }
}
