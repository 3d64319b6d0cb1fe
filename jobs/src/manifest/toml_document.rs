//! The text of a `job.toml`, and the problems that were found in it so far.

use std::cell::RefCell;
use std::ops::Range;

use crate::problem::{Position, Problem};

/// A `job.toml` that is being read, and the problems that were found in it so far.
pub(super) struct TomlDocument<'a> {
    /// Name of the file, which each problem states.
    pub(super) file: &'a str,
    /// Whole text of the file, in which spans are byte ranges.
    pub(super) text: &'a str,
    /// Problems found so far, in the order in which they were found.
    problems: RefCell<Vec<Problem>>,
    /// Names of columns whose type is missing or invalid. Type mismatches of these columns are not reported, because
    /// the missing or invalid type causes them.
    untyped: RefCell<Vec<String>>,
}

impl<'a> TomlDocument<'a> {
    /// Wraps the text of a file, without any problem so far.
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: RefCell::default(),
            untyped: RefCell::default(),
        }
    }

    /// Reports a problem at a span. If `hint` is empty, the problem has no hint.
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

    /// Records that the type of a column is missing or invalid.
    pub(super) fn mark_untyped(&self, column: &str) {
        self.untyped.borrow_mut().push(column.to_owned());
    }

    /// `true` if the type of a column is missing or invalid.
    pub(super) fn is_untyped(&self, column: &str) -> bool {
        self.untyped
            .borrow()
            .iter()
            .any(|untyped| untyped == column)
    }

    /// Returns all problems in the order in which they were reported.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A string of the file, with the span at which problems with it are reported.
#[derive(Clone, Debug)]
pub(super) struct SpannedText {
    /// The string, without quotes and escapes.
    pub(super) value: String,
    /// Span of the string in the file, in bytes, including its quotes if it has any.
    pub(super) span: Range<usize>,
}
