//! Everything that is printed: answers and outcomes on standard output, notes on standard error.
//!
//! Printing never panics and never stops the work: a run whose reader has gone goes on and commits. The macros of the standard
//! library panic where a pipe is closed or a disk full, so that a lint forbids them. Text from files may hold anything, so that
//! control characters are escaped here, before a terminal sees them.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::error::{Context, ErrorKind, Result};
use crate::terminal::stage_display::AboveBar;

/// Prints what was asked for as one JSON object.
///
/// # Errors
/// As [`answer`].
pub fn answer_json(result: &impl Serialize) -> Result<()> {
    write_out(json(result)?.as_bytes())
}

/// Prints what was asked for; a reader that has seen enough, such as `head`, is no failure.
///
/// # Errors
/// `Failed`, if it cannot be written, such as to a full disk.
pub fn answer(text: &str) -> Result<()> {
    write_out(printable(text).as_bytes())
}

/// Prints what was done as one JSON object; as [`outcome`].
///
/// # Errors
/// `Failed`, if it has no JSON.
pub fn outcome_json(result: &impl Serialize) -> Result<()> {
    tell_loss(write_out(json(result)?.as_bytes()));
    Ok(())
}

/// Prints what was done: it stays done where this cannot be written, so that only a warning says so.
pub fn outcome(text: &str) {
    tell_loss(write_out(printable(text).as_bytes()));
}

/// Prints a line on standard error, above whatever bar stands there; nobody can be told where this fails.
pub fn note(line: &str) {
    AboveBar.write_all(format!("{line}\n").as_bytes()).ok();
}

/// Escapes what a terminal would obey instead of show; lines stay lines.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_shown = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive(['\n', '\t']);
    let escaped = lines.map(|line| match line.strip_suffix(['\n', '\t']) {
        Some(inner) => in_line(inner) + &line[inner.len()..],
        None => in_line(line),
    });
    Cow::Owned(escaped.collect())
}

/// Escapes every control character, line ends included: for text that stands inside a line.
#[must_use]
pub fn in_line(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            escaped.extend(character.escape_debug());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Standard output for rows; clones know of each other whether the reader has gone.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    reader_left: Arc<AtomicBool>,
}

impl Rows {
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

impl Write for Rows {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard(io::stdout().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.heard(io::stdout().flush())
    }
}

fn json(result: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(result)
        .context(ErrorKind::Failed, "cannot write the result")?;
    Ok(text + "\n")
}

fn write_out(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context(ErrorKind::Failed, "cannot write the result"),
    }
}

fn tell_loss(written: Result<()>) {
    if let Err(error) = written {
        let cause = error.cause().map(ToString::to_string).unwrap_or_default();
        note(&format!("warning: {error}, but all is done: {cause}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_shown_what_it_would_obey() {
        assert_eq!(printable("é\tx\ny"), "é\tx\ny");
        assert_eq!(
            printable("\u{1b}[2J\0\r\u{7f}\u{9b}1m"),
            "\\u{1b}[2J\\0\\r\\u{7f}\\u{9b}1m"
        );
    }
}
