//! Why a call cannot be parsed or evaluated.

/// Why a call could not be parsed or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IntrinsicError {
    pub(super) kind: IntrinsicErrorKind,
    pub(super) message: String,
}

/// What a caller can do about an [`IntrinsicError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntrinsicErrorKind {
    /// The text is no call: the definition must change.
    Syntax,
    /// A path among the arguments leads nowhere: `States.Runtime`.
    Missing,
    /// The function does not apply to its arguments: `States.Runtime`, as measured, where the documentation has
    /// `States.IntrinsicFailure`.
    Failed,
    /// The result would be too large or too deep: `States.Runtime`.
    Limit,
}

impl IntrinsicError {
    pub(super) fn syntax(message: impl Into<String>) -> Self {
        Self {
            kind: IntrinsicErrorKind::Syntax,
            message: message.into(),
        }
    }

    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> IntrinsicErrorKind {
        self.kind
    }
}
