//! Problems of a job folder, each with its position.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// One mistake in a job folder, with the position at which to correct it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// Name of the file, relative to the job folder.
    pub file: String,
    /// Line number, counted from 1.
    pub line: usize,
    /// Column number in the line, counted from 1 in characters, not bytes.
    pub column: usize,
    /// Description of the mistake: lower case, without a full stop, names in backticks.
    pub message: String,
    /// Advice on how to correct the mistake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// Builds a problem without a hint.
    pub(crate) fn new(file: &str, position: Position, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: position.line,
            column: position.column,
            message: message.into(),
            hint: None,
        }
    }

    /// Sets the hint: how to correct the mistake.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Writes `file:line:column: message`, and the hint on a line of its own.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// All problems of a job folder, in the order of files and lines; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Returns the value if there are no problems, otherwise the problems, sorted by position and without duplicates.
    /// The caller passes `None` as the value only together with at least one problem.
    pub(crate) fn or<T>(mut problems: Vec<Problem>, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => {
                problems.sort();
                problems.dedup();
                Err(Self(problems))
            }
        }
    }

    /// Iterates over the problems in the order of files and lines.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Position in a text file, as editors count lines and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Line number, counted from 1.
    pub(crate) line: usize,
    /// Column number in the line, counted from 1 in characters, not bytes.
    pub(crate) column: usize,
}

impl Position {
    /// Position of the first character of a file.
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    /// Returns the position at which a span of byte offsets begins. If the span begins within a character or beyond the
    /// end of the text, returns the position of the nearest character boundary before that offset.
    pub(crate) fn of(text: &str, span: &Range<usize>) -> Self {
        let end = (0..=span.start.min(text.len()))
            .rev()
            .find(|&at| text.is_char_boundary(at));
        let before = &text[..end.unwrap_or(0)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters_not_bytes() {
        assert_eq!(
            Position::of("aé = 1\nöx", &(10..11)),
            Position { line: 2, column: 2 }
        );
        assert_eq!(Position::of("", &(5..6)), Position::START);
    }
}
