//! Positions of queries in the files of a job.

use crate::job::{JOB_FILE, Job, JobFile, Sql};
use crate::manifest;
use crate::problem::Position;

/// File and position of a query's first character.
pub(super) struct SqlPosition {
    /// Name of the file that contains the query, relative to the job folder.
    pub(super) file: String,
    /// Position in the file at which the query begins.
    pub(super) start: Position,
}

impl SqlPosition {
    /// Returns the position of a query, which is a whole file or the string at the path `keys` in the `job.toml`.
    pub(super) fn of(job: &Job, keys: &[&str], sql: &Sql) -> Self {
        if sql.file == JOB_FILE
            && let Some(written) = Self::at(&job.files, keys, &sql.text)
        {
            return written;
        }
        Self {
            file: sql.file.clone(),
            start: Position {
                line: sql.line,
                column: 1,
            },
        }
    }

    /// Returns the position of the string at the path `keys` in the `job.toml`; `None` if that value is not the string
    /// `text`. If the file has the short form, a string in place of a table, the path without its last key is used.
    pub(super) fn at(files: &[JobFile], keys: &[&str], text: &str) -> Option<Self> {
        let start = manifest::text_position(files, keys, text).or_else(|| {
            let (_, shorter) = keys.split_last()?;
            manifest::text_position(files, shorter, text)
        })?;
        Some(Self {
            file: JOB_FILE.to_owned(),
            start,
        })
    }

    /// Converts a line and a column within the query to a position in the file.
    pub(super) fn position(&self, line: u64, column: u64) -> Position {
        let line = usize::try_from(line.max(1)).unwrap_or(1);
        let column = usize::try_from(column.max(1)).unwrap_or(1);
        if line == 1 {
            return Position {
                line: self.start.line,
                column: self.start.column + column - 1,
            };
        }
        Position {
            line: self.start.line + line - 1,
            column,
        }
    }
}
