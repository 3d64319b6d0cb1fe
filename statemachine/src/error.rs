//! The error of this crate and its kinds.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::diagnostics::diagnostic::Diagnostic;
use crate::diagnostics::place::Place;
use crate::evaluation_budget::MAX_DEPTH;

/// The error of a definition, an expression, an input, an answer to a task or a file that was rejected.
///
/// A failed execution is not an error of this crate: it ends with [`Status::Failed`](crate::Status::Failed). The
/// failure of a task is not one either: it is part of the execution, as a [`TaskFailure`](crate::TaskFailure).
///
/// `{error}` is the error's own message, `{error:#}` the message with its source. If an expression fails in a state,
/// the message becomes part of the cause in the history. So messages follow the recorded texts of AWS rather than the
/// house style.
#[derive(Debug, Clone)]
pub struct Error(Box<ErrorParts>);

/// The parts of an error. They are behind one pointer so that `Result` stays small: most evaluations return a value.
#[derive(Debug, Clone)]
struct ErrorParts {
    /// The kind, by which a caller decides what to do.
    kind: ErrorKind,
    /// The error's own message, without its source.
    message: String,
    /// The path of the field whose evaluation failed; `None` if no single field failed.
    field: Option<String>,
    /// The last field of a JSONPath that finds nothing; `None` for other errors and for paths without fields.
    path_step: Option<String>,
    /// The findings about an invalid definition; empty for other kinds.
    diagnostics: Vec<Diagnostic>,
    /// The wrong places in a template or a mock file; empty for other kinds.
    problems: Vec<Problem>,
    /// The error that caused this one; shared, because errors can be cloned.
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`], by what the caller can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The definition has errors: change what [`Error::diagnostics`] lists.
    InvalidDefinition,
    /// The execution's input is too large, too deep or not JSON: change the input.
    InvalidInput,
    /// A request of the TestState API contradicts itself: change the request.
    InvalidRequest,
    /// The text is not a valid path, call, expression or template: change the text, or each place that
    /// [`Error::problems`] lists.
    InvalidExpression,
    /// The expression uses syntax or a function that Step Functions does not support: rewrite the expression.
    UnsupportedExpression,
    /// A path finds nothing in the data, or an expression returned nothing: add the value, or read it only if it
    /// exists.
    MissingValue,
    /// The expression returned something that JSON cannot hold, such as a function: return another value.
    UnsupportedResult,
    /// A function, filter or expression cannot be applied to its values: change the values or the expression.
    EvaluationFailed,
    /// The evaluation would take more time, memory or depth than allowed: make the data smaller.
    LimitExceeded,
    /// No known task has this task token: check the token.
    UnknownToken,
    /// The task already has an answer, or its execution has ended: discard the new answer.
    TaskFinished,
    /// The task timed out before the answer arrived: discard the answer.
    TaskTimedOut,
    /// The text is not a valid mock file: change what [`Error::problems`] lists.
    InvalidMockFile,
    /// The mock file has no such machine or case: choose one that the message names.
    UnknownMock,
    /// The history cannot be turned into mocks: record it with its execution data.
    InvalidHistory,
}

/// One place that is wrong in a template or a mock file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The kind that [`Error::kind`] would return if this were the only problem.
    pub kind: ErrorKind,
    /// The JSON pointer of the place in the template or the mock file.
    pub pointer: String,
    /// The line and the column; `None` if the template was given as a value.
    pub place: Option<Place>,
    /// The reason why the place is wrong, as text for people.
    pub message: String,
}

impl Error {
    /// Builds an error of a kind with a message.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorParts {
            kind,
            message: message.into(),
            field: None,
            path_step: None,
            diagnostics: Vec::new(),
            problems: Vec::new(),
            source: None,
        }))
    }

    /// Builds the error of a definition from all its findings.
    pub(crate) fn definition(diagnostics: Vec<Diagnostic>) -> Self {
        let mut error = Self::new(
            ErrorKind::InvalidDefinition,
            "invalid state machine definition",
        );
        error.0.diagnostics = diagnostics;
        error
    }

    /// Builds the error of a template from all its problems.
    pub(crate) fn template(problems: Vec<Problem>) -> Self {
        let mut error = Self::new(ErrorKind::InvalidExpression, "invalid template");
        error.0.problems = problems;
        error
    }

    /// Builds the error of a template that nests too deeply.
    pub(crate) fn template_too_deep() -> Self {
        Self::template(vec![Problem {
            kind: ErrorKind::LimitExceeded,
            pointer: String::new(),
            place: None,
            message: format!("the template nests {MAX_DEPTH} or more levels deep"),
        }])
    }

    /// Builds the error of a mock file from all its problems.
    pub(crate) fn mock_file(problems: Vec<Problem>) -> Self {
        let mut error = Self::new(ErrorKind::InvalidMockFile, "invalid mock file");
        error.0.problems = problems;
        error
    }

    /// Builds an error of [`ErrorKind::InvalidExpression`].
    pub(crate) fn invalid_expression(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidExpression, message)
    }

    /// Builds an error of [`ErrorKind::UnsupportedExpression`].
    pub(crate) fn unsupported_expression(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::UnsupportedExpression, message)
    }

    /// Builds an error of [`ErrorKind::MissingValue`].
    pub(crate) fn missing_value(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::MissingValue, message)
    }

    /// Builds an error of [`ErrorKind::UnsupportedResult`].
    pub(crate) fn unsupported_result(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::UnsupportedResult, message)
    }

    /// Builds an error of [`ErrorKind::EvaluationFailed`].
    pub(crate) fn evaluation_failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::EvaluationFailed, message)
    }

    /// Builds an error of [`ErrorKind::LimitExceeded`].
    pub(crate) fn limit_exceeded(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::LimitExceeded, message)
    }

    /// Adds the path of the field whose evaluation failed.
    pub(crate) fn in_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Adds the last field of the path that finds nothing.
    pub(crate) fn at_path_step(mut self, step: Option<String>) -> Self {
        self.0.path_step = step;
        self
    }

    /// Adds the error that caused this one.
    pub(crate) fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Returns the kind, by which a caller decides what to do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the name of the exception that AWS's API returns for this error, `ValidationException` if none is more
    /// specific.
    #[must_use]
    pub fn aws_code(&self) -> &'static str {
        match self.0.kind {
            ErrorKind::InvalidDefinition => "InvalidDefinition",
            ErrorKind::InvalidInput => "InvalidExecutionInput",
            _ => "ValidationException",
        }
    }

    /// Returns the message as AWS's API words it.
    #[must_use]
    pub fn aws_message(&self) -> String {
        if self.0.diagnostics.is_empty() {
            return format!("{self:#}");
        }
        // AWS writes `null` for a missing place.
        let errors = self.errors(|error| match &error.location {
            Some(_) => error.to_string(),
            None => format!("{error} at null"),
        });
        format!("Invalid State Machine Definition: '{errors}'")
    }

    /// Returns the path of the field that failed, such as `Output/values[0]` or `name.$`; `None` if no single field
    /// failed.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// Returns the last field of a JSONPath that finds nothing; `None` for other errors and for paths without fields.
    pub(crate) fn path_step(&self) -> Option<&str> {
        self.0.path_step.as_deref()
    }

    /// Returns every finding about an invalid definition, errors before warnings.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// Returns every place that is wrong in a template or a mock file, in the order of its text.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// Returns the text of all findings that are errors, each formatted by `word`, separated by commas.
    fn errors(&self, word: impl Fn(&Diagnostic) -> String) -> String {
        let errors = self.0.diagnostics.iter().filter(|one| one.is_error());
        errors.map(word).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)?;
        // The TestState API may reject a definition without a finding.
        if !self.0.diagnostics.is_empty() {
            write!(formatter, ": {}", self.errors(ToString::to_string))?;
        }
        for problem in &self.0.problems {
            write!(formatter, "; {problem}")?;
        }
        match &self.0.source {
            Some(source) if formatter.alternate() => write!(formatter, ": {source:#}"),
            _ => Ok(()),
        }
    }
}

/// Compares the kinds, texts, fields and findings of errors; sources are compared by their text.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        let shown = |error: &Self| (error.0.kind, format!("{error:#}"));
        shown(self) == shown(other)
            && self.0.field == other.0.field
            && self.0.diagnostics == other.0.diagnostics
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref();
        source.map(|source| source as &(dyn StdError + 'static))
    }
}

impl Problem {
    /// Builds the problem of an expression that is invalid at `pointer` in a template.
    pub(crate) fn of(error: &Error, pointer: &str) -> Self {
        Self {
            kind: error.kind(),
            pointer: pointer.to_owned(),
            place: None,
            message: format!("{error:#}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { line, column }) = self.place {
            write!(formatter, "{line}:{column} ")?;
        }
        if !self.pointer.is_empty() {
            write!(formatter, "`{}`: ", self.pointer)?;
        }
        formatter.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_without_a_pointer_shows_only_its_message() {
        let mut problem = Problem::of(&Error::missing_value("nothing there"), "");
        assert_eq!(problem.to_string(), "nothing there");
        problem.pointer = "/a".to_owned();
        assert_eq!(problem.to_string(), "`/a`: nothing there");
        problem.place = Some(Place { line: 1, column: 2 });
        assert_eq!(problem.to_string(), "1:2 `/a`: nothing there");
    }
}
