//! What goes wrong with expressions.

/// Why an expression could not be parsed or evaluated.
///
/// The text of an error in a field is the cause that AWS is recorded to give, not the house style's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonataError {
    kind: JsonataErrorKind,
    field: String,
    message: String,
}

/// What a caller can do about a [`JsonataError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JsonataErrorKind {
    /// The text is no expression: `INVALID_JSONATA_EXPRESSION`.
    Syntax,
    /// The expression uses what Step Functions does not support: `UNSUPPORTED_JSONATA_EXPRESSION`.
    Unsupported,
    /// The expression gave nothing.
    Undefined,
    /// The expression gave something that the field cannot hold, such as a function.
    ResultType,
    /// The expression failed.
    Evaluation,
    /// The expression took too much time, memory or depth.
    Limit,
}

/// Tells whether a message begins with a code such as `T1006: `.
fn has_code(message: &str) -> bool {
    message.split_once(": ").is_some_and(|(code, _)| {
        code.len() == 5
            && code.starts_with(|letter: char| letter.is_ascii_uppercase())
            && code[1..].bytes().all(|digit| digit.is_ascii_digit())
    })
}

impl JsonataError {
    fn new(kind: JsonataErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            field: String::new(),
            message: message.into(),
        }
    }

    pub(super) fn syntax(message: impl Into<String>) -> Self {
        Self::new(JsonataErrorKind::Syntax, message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(JsonataErrorKind::Unsupported, message)
    }

    pub(super) fn undefined() -> Self {
        Self::new(
            JsonataErrorKind::Undefined,
            "the expression returned nothing",
        )
    }

    pub(super) fn result_type() -> Self {
        Self::new(JsonataErrorKind::ResultType, "the result is no JSON value")
    }

    pub(super) fn evaluation(message: impl Into<String>) -> Self {
        Self::new(JsonataErrorKind::Evaluation, message)
    }

    pub(super) fn limit(message: impl Into<String>) -> Self {
        Self::new(JsonataErrorKind::Limit, message)
    }

    pub(super) fn in_field(self, field: &str, expression: &str) -> Self {
        let prefix =
            format!("The JSONata expression '{expression}' specified for the field '{field}'");
        let message = match self.kind {
            JsonataErrorKind::Undefined => format!("{prefix} returned nothing (undefined)."),
            JsonataErrorKind::ResultType => {
                format!("{prefix} returned an unsupported result type.")
            }
            JsonataErrorKind::Evaluation | JsonataErrorKind::Limit => {
                // Measured: a message with a code is a sentence of its own.
                let separator = if has_code(&self.message) { ". " } else { ": " };
                format!(
                    "{prefix} threw an error during evaluation{separator}{}",
                    self.message
                )
            }
            JsonataErrorKind::Syntax | JsonataErrorKind::Unsupported => self.message,
        };
        Self {
            kind: self.kind,
            field: field.to_owned(),
            message,
        }
    }

    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> JsonataErrorKind {
        self.kind
    }

    /// Names the field that failed, `Output/values[0]`; empty if the expression was evaluated on its own.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }
}
