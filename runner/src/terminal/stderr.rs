//! Writes notes and logs to standard error, above the progress bar if there is one.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

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

impl Write for AboveBar {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = printable(&text);
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
