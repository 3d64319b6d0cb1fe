//! Writes history files (JSON Lines) while an execution runs.

use std::fs::File;
use std::path::{Path, PathBuf};

use drivetrain_statemachine::{Event, HistorySink, JsonLines};

use crate::error::{Context, ErrorKind, Result};

/// Sink that writes each event as one line of JSON; all clones write to the same file.
#[derive(Clone)]
pub struct HistoryFile {
    /// Path of the file, for messages.
    path: PathBuf,
    /// Buffered writer that all clones share.
    lines: JsonLines,
}

impl HistoryFile {
    /// Creates the file, or truncates it. With `at_once`, each event is flushed when it happens, so that a reader can
    /// follow.
    ///
    /// # Errors
    /// `Failed` if the file cannot be created.
    pub fn create(path: &Path, at_once: bool) -> Result<Self> {
        let file = File::create(path).context(ErrorKind::Failed, cannot_write(path))?;
        let lines = JsonLines::new(file);
        Ok(Self {
            path: path.to_owned(),
            lines: if at_once { lines.at_once() } else { lines },
        })
    }

    /// Adds the `executionArn` to each line, for a file with the events of several executions.
    #[must_use]
    pub fn naming_executions(self) -> Self {
        Self {
            lines: self.lines.naming_executions(),
            ..self
        }
    }

    /// Flushes the buffered lines to the file.
    ///
    /// # Errors
    /// `Failed` if a line could not be written, now or earlier.
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

/// Returns the error message for a file that cannot be created or written.
fn cannot_write(path: &Path) -> String {
    format!("cannot write `{}`", path.display())
}
