//! Where in the files of a job a query is written.

use crate::job::{JOB_FILE, Job, JobFile, Sql};
use crate::manifest;
use crate::problem::Position;

/// The place of a query's first character.
pub(super) struct SqlPosition {
    pub(super) file: String,
    pub(super) start: Position,
}

impl SqlPosition {
    /// The place of a query of the job: a file of its own, or a text under `keys` in the job file.
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

    /// The place of a text under `keys` in the job file; `None` where it does not stand there. The last key may be left
    /// out in the file, where a text stands for a table.
    pub(super) fn at(files: &[JobFile], keys: &[&str], text: &str) -> Option<Self> {
        let start = manifest::text_place(files, keys, text).or_else(|| {
            let (_, shorter) = keys.split_last()?;
            manifest::text_place(files, shorter, text)
        })?;
        Some(Self {
            file: JOB_FILE.to_owned(),
            start,
        })
    }

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
