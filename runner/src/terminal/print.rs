//! Standard output: answers, outcomes and rows.
//!
//! Printing never panics and never stops the work: a run whose output is no longer read goes on and commits. The macros of the standard
//! library panic if a pipe is closed or a disk full, so a lint forbids them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Context, ErrorKind, Result};
use crate::terminal::stderr::note;

/// Prints what was asked for. A closed pipe, as behind `head`, is not a failure.
///
/// # Errors
/// `Failed`, if it cannot be written, such as to a full disk.
pub fn answer(text: &str) -> Result<()> {
    write_out(text.as_bytes())
}

/// Prints what was done. If this cannot be written, only a warning says so, because the work stays done.
pub fn outcome(text: &str) {
    if let Err(error) = write_out(text.as_bytes()) {
        let cause = error.cause().map(ToString::to_string).unwrap_or_default();
        note(&format!("warning: {error}, but the work is done: {cause}"));
    }
}

/// Standard output for rows; clones share whether the reader is gone.
#[derive(Clone, Debug, Default)]
pub struct RowOutput {
    /// `true` once a write met a closed pipe.
    reader_left: Arc<AtomicBool>,
}

impl RowOutput {
    /// `true` once the output is no longer read: going on is useless then, and nothing has failed.
    #[must_use]
    pub fn reader_left(&self) -> bool {
        self.reader_left.load(Ordering::Relaxed)
    }

    /// Remembers a closed pipe.
    fn heard<T>(&self, written: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &written
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            self.reader_left.store(true, Ordering::Relaxed);
        }
        written
    }
}

impl Write for RowOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.heard(io::stdout().flush())
    }
}

/// Writes to standard output; a closed pipe is not a failure.
fn write_out(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context(ErrorKind::Failed, "cannot write the result"),
    }
}
