//! Writes notes and logs to standard error, above the progress bar if there is one.

use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use indicatif::ProgressBar;

use crate::error::printable;

/// Prints a line on standard error, above the progress bar if there is one; ignores a failure to write.
pub fn note(line: &str) {
    AboveBar.write_all(format!("{line}\n").as_bytes()).ok();
}

/// Progress bar that the terminal currently shows; `None` if it shows none.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Writer to standard error that hides the progress bar while it writes.
///
/// Writing never fails: if standard error is closed, nothing is printed and the work goes on. Control characters are
/// escaped.
#[derive(Clone, Copy, Debug)]
pub struct AboveBar;

/// The number of texts that may wait for standard error; more are dropped.
const WAITING_TEXTS: usize = 1_000;

/// Sender of texts to the thread that writes them; unset if every caller writes by itself.
static BACKGROUND: OnceLock<SyncSender<Text>> = OnceLock::new();

/// A message to the thread that writes to standard error.
enum Text {
    /// A text to write.
    Line(String),
    /// A request to confirm that all texts before it are written.
    Flush(SyncSender<()>),
}

/// From now on, writes to standard error on a thread of its own, for a process that must not wait for a reader of its
/// output: texts that standard error does not take are dropped.
pub fn write_in_background() {
    let (sender, receiver) = sync_channel(WAITING_TEXTS);
    if BACKGROUND.set(sender).is_err() {
        return;
    }
    std::thread::spawn(move || {
        for text in receiver {
            match text {
                Text::Line(text) => {
                    io::stderr().write_all(text.as_bytes()).ok();
                }
                // The process may have stopped waiting.
                Text::Flush(written) => {
                    written.send(()).ok();
                }
            }
        }
    });
}

/// Waits until all texts are written, but not longer than `limit`.
pub fn flush(limit: Duration) {
    let (sender, written) = sync_channel(1);
    let background = BACKGROUND.get();
    let is_sent = background.is_some_and(|texts| texts.try_send(Text::Flush(sender)).is_ok());
    if is_sent {
        // A reader that does not read is not waited for.
        written.recv_timeout(limit).ok();
    }
}

impl Write for AboveBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = printable(&text);
        if let Some(background) = BACKGROUND.get() {
            // A text that does not fit is dropped.
            background.try_send(Text::Line(text.into_owned())).ok();
            return Ok(bytes.len());
        }
        let write = || io::stderr().write_all(text.as_bytes()).ok();
        let bar = shown().clone();
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        };
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush().ok();
        Ok(())
    }
}

/// Locks the progress bar that the terminal currently shows.
pub(crate) fn shown() -> std::sync::MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
