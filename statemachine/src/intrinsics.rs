//! Intrinsic functions: `States.Format` and its siblings.

use serde_json::Value;

use crate::scope::{Host, Scope};

/// Why a call could not be parsed or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IntrinsicError {
    kind: IntrinsicErrorKind,
    message: String,
}

/// What a caller can do about an [`IntrinsicError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntrinsicErrorKind {
    /// The text is no call: the definition must change.
    Syntax,
    /// The call failed on this input: `States.IntrinsicFailure`.
    Failed,
    /// The result would be too large or too deep: `States.Runtime`.
    Limit,
}

impl IntrinsicError {
    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> IntrinsicErrorKind {
        self.kind
    }
}

/// A parsed call of an intrinsic function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    text: String,
}

impl Call {
    /// Parses a call such as `States.Format('{}', $.name)`.
    ///
    /// # Errors
    /// [`IntrinsicErrorKind::Syntax`] if the text is no call of a known function.
    pub fn parse(text: &str) -> Result<Self, IntrinsicError> {
        if text.starts_with("States.") && text.ends_with(')') {
            return Ok(Self {
                text: text.to_owned(),
            });
        }
        Err(IntrinsicError {
            kind: IntrinsicErrorKind::Syntax,
            message: format!("`{text}` is no intrinsic function"),
        })
    }

    /// Evaluates the call.
    ///
    /// # Errors
    /// [`IntrinsicErrorKind::Failed`] if an argument is missing or of the wrong type.
    pub fn evaluate(&self, _scope: &Scope<'_>, _host: &mut Host) -> Result<Value, IntrinsicError> {
        Err(IntrinsicError {
            kind: IntrinsicErrorKind::Failed,
            message: format!("the function `{}` is not evaluated so far", self.text),
        })
    }
}
