//! History files: JSON Lines that are written while an execution runs.

use std::fs::File;
use std::path::{Path, PathBuf};

use drivetrain_statemachine::{Event, HistorySink, JsonLines};

use crate::error::{Context, ErrorKind, Result};

/// Sink that writes one event per line; clones write to the same file.
#[derive(Clone)]
pub struct HistoryFile {
    /// Path of the file, for messages.
    path: PathBuf,
    /// Buffered writer that all clones share.
    lines: JsonLines,
}

impl HistoryFile {
    /// Creates the file. With `at_once` each event is flushed when it happens, so that a reader can follow along.
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

    /// Begins each line with the `executionArn`, for a file with the events of many executions.
    #[must_use]
    pub fn naming_executions(self) -> Self {
        Self {
            lines: self.lines.naming_executions(),
            ..self
        }
    }

    /// Flushes the buffered lines.
    ///
    /// # Errors
    /// `Failed` if any line could not be written, now or before.
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

/// Returns the message of a failed write.
fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}
