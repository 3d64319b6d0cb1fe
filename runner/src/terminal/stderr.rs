//! Standard error: notes and logs, printed above the bar of the stage that is under way.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;

use crate::error::printable;

/// Prints a line on standard error, above the bar if there is one; a failure to write is ignored.
pub fn note(line: &str) {
    AboveBar.write_all(format!("{line}\n").as_bytes()).ok();
}

/// The bar that stands on the terminal now.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Standard error for whatever is said while a bar stands there: the bar makes room, and comes back below.
///
/// Writing never fails: whoever closed standard error hears nothing, and the work goes on. Control characters are escaped.
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

pub(crate) fn shown() -> std::sync::MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
