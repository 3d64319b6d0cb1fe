//! Writes answers, outcomes and rows to standard output.
//!
//! Printing never panics and never stops the work: a run goes on and commits even if its output is no longer read. The
//! print macros of the standard library panic if a pipe is closed or a disk is full, so a lint forbids them.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Context, ErrorKind, Result};
use crate::terminal::stderr::note;

/// Prints the answer to a question. A closed pipe, as with `| head`, is not an error.
///
/// # Errors
/// `Failed` if the answer cannot be written, for example to a full disk.
pub fn answer(text: &str) -> Result<()> {
    write_out(text.as_bytes())
}

/// Prints the outcome of work. If it cannot be written, prints only a warning, because the work stays done.
pub fn outcome(text: &str) {
    if let Err(error) = write_out(text.as_bytes()) {
        let cause = error.cause().map(ToString::to_string).unwrap_or_default();
        note(&format!(
            "warning: {error}: {cause}; the work itself is done"
        ));
    }
}

/// Standard output as a writer of rows. All clones know when the reader has closed the pipe.
#[derive(Clone, Debug, Default)]
pub struct RowOutput {
    /// `true` once a write has failed because the pipe was closed.
    reader_left: Arc<AtomicBool>,
}

impl RowOutput {
    /// Returns `true` once the reader has closed the pipe: further output is useless, but this is not an error.
    #[must_use]
    pub fn reader_left(&self) -> bool {
        self.reader_left.load(Ordering::Relaxed)
    }

    /// Sets [`Self::reader_left`] if a write failed because the pipe was closed; returns the result unchanged.
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

/// Writes to standard output; a closed pipe is not an error.
fn write_out(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context(
            ErrorKind::Failed,
            "cannot write the result to standard output",
        ),
    }
}
