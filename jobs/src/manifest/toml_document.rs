//! The text of a `job.toml` while it is read, and the problems found in it so far.

use std::cell::RefCell;
use std::ops::Range;

use crate::problem::{Position, Problem};

/// The file being read and what was found wrong with it so far.
pub(super) struct TomlDocument<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    problems: RefCell<Vec<Problem>>,
    /// Columns whose type is unknown: a second problem about their type would only follow from the first.
    untyped: RefCell<Vec<String>>,
}

impl<'a> TomlDocument<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            problems: RefCell::default(),
            untyped: RefCell::default(),
        }
    }

    pub(super) fn wrong(
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

    pub(super) fn no_type_for(&self, column: &str) {
        self.untyped.borrow_mut().push(column.to_owned());
    }

    pub(super) fn has_no_type(&self, column: &str) -> bool {
        self.untyped
            .borrow()
            .iter()
            .any(|untyped| untyped == column)
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }
}

/// A text of the file and its place.
#[derive(Clone, Debug)]
pub(super) struct SpannedText {
    pub(super) value: String,
    pub(super) span: Range<usize>,
}
