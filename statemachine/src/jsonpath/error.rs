//! What goes wrong with paths.

/// Why a path could not be parsed, evaluated or written to.
///
/// The text of [`PathErrorKind::Missing`] and [`PathErrorKind::Mismatch`] ends up in a state's cause, so it follows
/// what AWS is recorded to say rather than the house style.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PathError {
    kind: PathErrorKind,
    message: String,
}

/// What a caller can do about a [`PathError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathErrorKind {
    /// The text is no path: the definition must change.
    Syntax,
    /// The path leads nowhere in this document.
    Missing,
    /// The path leads through a value of the wrong type.
    Mismatch,
    /// The evaluation would take more steps, depth or memory than allowed.
    Limit,
}

impl PathError {
    pub(crate) fn syntax(message: impl Into<String>) -> Self {
        Self {
            kind: PathErrorKind::Syntax,
            message: message.into(),
        }
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self {
            kind: PathErrorKind::Missing,
            message: message.into(),
        }
    }

    pub(crate) fn mismatch(message: impl Into<String>) -> Self {
        Self {
            kind: PathErrorKind::Mismatch,
            message: message.into(),
        }
    }

    pub(crate) fn limit(message: impl Into<String>) -> Self {
        Self {
            kind: PathErrorKind::Limit,
            message: message.into(),
        }
    }

    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> PathErrorKind {
        self.kind
    }
}
