//! The text of a `job.toml`, and the problems that were found in it so far.

use std::cell::RefCell;
use std::ops::Range;

use crate::problem::{Position, Problem};

/// A `job.toml` that is being read, and the problems that were found in it so far.
pub(super) struct TomlDocument<'a> {
    /// Name of the file, for problems.
    pub(super) file: &'a str,
    /// Whole text of the file, in which spans are byte ranges.
    pub(super) text: &'a str,
    /// Problems found so far, in the order in which they were found.
    problems: RefCell<Vec<Problem>>,
    /// Columns whose type is unknown, which is reported once: any other problem with their types only follows from it.
    untyped: RefCell<Vec<String>>,
}

impl<'a> TomlDocument<'a> {
    /// Wraps the text of a file.
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: RefCell::default(),
            untyped: RefCell::default(),
        }
    }

    /// Reports a problem at a span. An empty hint means that there is none.
    pub(super) fn report(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let problem = Problem::new(self.file, Position::of(self.text, span), message);
        let hint = hint.into();
        self.problems.borrow_mut().push(if hint.is_empty() {
            problem
        } else {
            problem.hint(hint)
        });
    }

    /// Records that the type of a column is unknown.
    pub(super) fn mark_untyped(&self, column: &str) {
        self.untyped.borrow_mut().push(column.to_owned());
    }

    /// `true` if the type of a column is unknown.
    pub(super) fn is_untyped(&self, column: &str) -> bool {
        self.untyped
            .borrow()
            .iter()
            .any(|untyped| untyped == column)
    }

    /// Returns all problems that were reported.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A string of the file and its span.
#[derive(Clone, Debug)]
pub(super) struct SpannedText {
    /// The string, without quotes and escapes.
    pub(super) value: String,
    /// Span of the string in the file.
    pub(super) span: Range<usize>,
}
