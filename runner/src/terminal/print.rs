//! Standard output: answers, outcomes and rows.
//!
//! Printing never panics and never stops the work: a run whose reader has gone goes on and commits. The macros of the standard
//! library panic if a pipe is closed or a disk full, so a lint forbids them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Context, ErrorKind, Result};
use crate::terminal::stderr::note;

/// Prints what was asked for; a reader that has seen enough, such as `head`, is no failure.
///
/// # Errors
/// `Failed`, if it cannot be written, such as to a full disk.
pub fn answer(text: &str) -> Result<()> {
    write_out(text.as_bytes())
}

/// Prints what was done: it stays done if this cannot be written, so that only a warning says so.
pub fn outcome(text: &str) {
    if let Err(error) = write_out(text.as_bytes()) {
        let cause = error.cause().map(ToString::to_string).unwrap_or_default();
        note(&format!("warning: {error}, but all is done: {cause}"));
    }
}

/// Standard output for rows; clones know of each other whether the reader has gone.
#[derive(Clone, Debug, Default)]
pub struct RowOutput {
    reader_left: Arc<AtomicBool>,
}

impl RowOutput {
    /// Tells whether nobody reads any more: then there is no use in going on, and nothing has failed.
    #[must_use]
    pub fn reader_left(&self) -> bool {
        self.reader_left.load(Ordering::Relaxed)
    }

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

fn write_out(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context(ErrorKind::Failed, "cannot write the result"),
    }
}
