//! Histories as JSON Lines, written while an execution runs.

use std::fs::File;
use std::path::{Path, PathBuf};

use drivetrain_statemachine::{Event, HistorySink, JsonLines};

use crate::error::{Context, ErrorKind, Result};

/// Writes each event on a line of its own; clones write to one file.
#[derive(Clone)]
pub struct HistoryFile {
    path: PathBuf,
    lines: JsonLines,
}

impl HistoryFile {
    /// Creates the file; with `at_once` each line is there as soon as it has happened.
    ///
    /// # Errors
    /// `Failed` if it cannot be created.
    pub fn create(path: &Path, at_once: bool) -> Result<Self> {
        let file = File::create(path).context(ErrorKind::Failed, cannot_write(path))?;
        let lines = JsonLines::new(file);
        Ok(Self {
            path: path.to_owned(),
            lines: if at_once { lines.at_once() } else { lines },
        })
    }

    /// Lets each line begin with the `executionArn`, where one file has the events of many executions.
    #[must_use]
    pub fn naming_executions(self) -> Self {
        Self {
            lines: self.lines.naming_executions(),
            ..self
        }
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// `Failed` if anything could not be written, now or before.
    pub fn finish(&self) -> Result<()> {
        let ended = self.lines.finish();
        ended.context(ErrorKind::Failed, cannot_write(&self.path))
    }
}

impl HistorySink for HistoryFile {
    fn record(&self, event: &Event) {
        self.lines.record(event);
    }

    fn is_broken(&self) -> bool {
        self.lines.is_broken()
    }
}

fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}
