//! Histories as JSON Lines, written while an execution runs.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use drivetrain_statemachine::{Event, HistorySink};

use crate::error::{Context, ErrorKind, Result};

/// Writes each event on a line of its own; clones write to one file.
#[derive(Clone)]
pub struct HistoryFile {
    path: PathBuf,
    at_once: bool,
    names_executions: bool,
    writing: Arc<Mutex<Writing>>,
}

struct Writing {
    file: BufWriter<File>,
    failed: Option<std::io::Error>,
}

impl HistoryFile {
    /// Creates the file; with `at_once` each line is there as soon as it has happened.
    ///
    /// # Errors
    /// `Failed` if it cannot be created.
    pub fn create(path: &Path, at_once: bool) -> Result<Self> {
        let file = File::create(path).context(
            ErrorKind::Failed,
            format!("cannot write `{}`", path.display()),
        )?;
        Ok(Self {
            path: path.to_owned(),
            at_once,
            names_executions: false,
            writing: Arc::new(Mutex::new(Writing {
                file: BufWriter::new(file),
                failed: None,
            })),
        })
    }

    /// Lets each line begin with the `executionArn`, where one file has the events of many executions.
    #[must_use]
    pub fn naming_executions(mut self) -> Self {
        self.names_executions = true;
        self
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// `Failed` if anything could not be written, now or before.
    pub fn finish(&self) -> Result<()> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = match writing.failed.take() {
            Some(error) => Err(error),
            None => writing.file.flush(),
        };
        ended.context(
            ErrorKind::Failed,
            format!("cannot write `{}`", self.path.display()),
        )
    }
}

impl HistoryFile {
    fn line(&self, event: &Event) -> Vec<u8> {
        let mut line = Vec::new();
        if self.names_executions {
            line.extend_from_slice(b"{\"executionArn\":");
            serde_json::to_writer(&mut line, &*event.execution)
                .expect("a text can always be written into memory");
        }
        let fields = line.len();
        event.write_json(&mut line);
        if self.names_executions {
            line[fields] = b',';
        }
        line.push(b'\n');
        line
    }
}

impl HistorySink for HistoryFile {
    fn record(&self, event: &Event) {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if writing.failed.is_some() {
            return;
        }
        let line = self.line(event);
        let mut written = writing.file.write_all(&line);
        if self.at_once && written.is_ok() {
            written = writing.file.flush();
        }
        writing.failed = written.err();
    }
}
