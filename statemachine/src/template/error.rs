//! Why a template cannot be parsed or evaluated.

use crate::evaluation_budget::Exhausted;

/// A place in a template that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// JSON pointer from the template's root.
    pub pointer: String,
    /// What is wrong.
    pub kind: TemplateProblemKind,
    /// The same for a reader.
    pub message: String,
}

/// What is wrong at a place in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateProblemKind {
    /// A field ending in `.$` holds something other than text.
    NotText,
    /// The text is no path.
    Path,
    /// The text is no call of an intrinsic function.
    Intrinsic,
    /// Two fields would make the same key.
    DuplicateKey,
    /// The template nests too deeply.
    TooDeep,
}

/// Why a template could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    pub(super) kind: TemplateErrorKind,
    pub(super) field: String,
    pub(super) message: String,
}

/// What a caller can do about a [`TemplateError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateErrorKind {
    /// A path leads nowhere: AWS fails the state with `States.Runtime`.
    Path,
    /// An intrinsic function does not apply to its arguments: `States.Runtime`.
    Intrinsic,
    /// The result would be too large or too deep: `States.Runtime`.
    Limit,
}

impl TemplateError {
    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self {
            kind: TemplateErrorKind::Limit,
            field: String::new(),
            message: message.into(),
        }
    }

    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> TemplateErrorKind {
        self.kind
    }

    /// Names the field that failed as it stands in the template, `name.$`; empty if it is the template as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl From<Exhausted> for TemplateError {
    fn from(_: Exhausted) -> Self {
        Self::limit("the payload is too large to build")
    }
}
