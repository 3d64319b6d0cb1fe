//! What goes wrong with mocks before anything runs.

use std::fmt::Write;

use crate::Place;

/// Why mocks could not be read, chosen or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct MockError {
    kind: MockErrorKind,
    message: String,
    problems: Vec<MockProblem>,
}

/// What a caller can do about a [`MockError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MockErrorKind {
    /// The file is no mock file: change what [`MockError::problems`] names.
    InvalidFile,
    /// The file has no such machine or case: choose another.
    NotFound,
    /// The history cannot be turned into mocks: record it with its data.
    InvalidHistory,
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MockProblem {
    /// JSON pointer to what is wrong.
    pub pointer: String,
    /// Where that stands in the text.
    pub place: Place,
    /// What is wrong with it.
    pub message: String,
}

impl MockError {
    pub(super) fn new(kind: MockErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            problems: Vec::new(),
        }
    }

    pub(super) fn invalid_file(problems: Vec<MockProblem>) -> Self {
        Self {
            kind: MockErrorKind::InvalidFile,
            message: "invalid mock file".to_owned(),
            problems,
        }
    }

    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> MockErrorKind {
        self.kind
    }

    /// Lists everything that is wrong with a file, in its order.
    #[must_use]
    pub fn problems(&self) -> &[MockProblem] {
        &self.problems
    }

    fn text(&self) -> String {
        let mut text = self.message.clone();
        for problem in &self.problems {
            let MockProblem {
                pointer,
                place,
                message,
            } = problem;
            write!(
                text,
                "; {}:{} `{pointer}`: {message}",
                place.line, place.column
            )
            .expect("writing to a String never fails");
        }
        text
    }
}
