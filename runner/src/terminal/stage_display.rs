//! What a person sees while a run goes on: bars on a terminal, one plain line a stage elsewhere; always on standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::terminal::print;
use crate::watch::Progress;

/// Bars are redrawn this often: smooth to the eye, no cost to the work.
const REDRAW: Duration = Duration::from_millis(100);

/// Shows stages one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Display {
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bars,
    Lines,
}

impl Display {
    /// Bars if standard error is a terminal, else lines.
    #[must_use]
    pub fn new() -> Self {
        let kind = if io::stderr().is_terminal() {
            Kind::Bars
        } else {
            Kind::Lines
        };
        Self { kind }
    }

    /// Begins a stage; it ends when the value is finished or dropped.
    #[must_use]
    pub fn stage(&self, name: &'static str) -> Stage {
        let progress = Progress::default();
        let ticker = (self.kind == Kind::Bars).then(|| Ticker::start(name, progress.clone()));
        Stage {
            name,
            began: Instant::now(),
            progress,
            ticker,
        }
    }

    /// Prints one line, such as a warning, above whatever bar there is.
    pub fn line(&self, text: &str) {
        print::note(text);
    }
}

impl Default for Display {
    fn default() -> Self {
        Self::new()
    }
}

/// One stage of a run.
pub struct Stage {
    name: &'static str,
    began: Instant,
    /// What the stage counts.
    pub progress: Progress,
    ticker: Option<Ticker>,
}

impl Stage {
    /// Ends the stage, prints its line and returns how long it took.
    #[expect(clippy::must_use_candidate, reason = "most callers only want the line")]
    pub fn finish(mut self) -> Duration {
        let took = self.began.elapsed();
        self.ticker = None;
        print::note(&format!("  {}", figures(self.name, &self.progress, took)));
        took
    }
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
        let text = print::printable(&text);
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

fn shown() -> std::sync::MutexGuard<'static, Option<ProgressBar>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Redraws a bar from the counters until it is dropped.
struct Ticker {
    bar: ProgressBar,
    task: tokio::task::JoinHandle<()>,
}

impl Ticker {
    fn start(name: &'static str, progress: Progress) -> Self {
        // The figures stand where the stage's last line will have them.
        let style =
            |template| ProgressStyle::with_template(template).expect("the template is valid");
        let (unknown, known) = (
            style("  {msg}  {spinner}"),
            style("  {msg}  {wide_bar:.cyan/dim}"),
        );
        let began = Instant::now();
        let bar = ProgressBar::no_length().with_style(unknown);
        *shown() = Some(bar.clone());
        let drawn = bar.clone();
        let task = tokio::spawn(async move {
            let mut known = Some(known);
            loop {
                // How much there is to do may be known only later, and never of a query.
                if progress.bytes_total() > 0 {
                    if let Some(known) = known.take() {
                        drawn.set_style(known);
                    }
                    drawn.set_length(progress.bytes_total());
                    drawn.set_position(progress.bytes());
                }
                drawn.set_message(figures(name, &progress, began.elapsed()));
                drawn.tick();
                tokio::time::sleep(REDRAW).await;
            }
        });
        Self { bar, task }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.task.abort();
        *shown() = None;
        self.bar.finish_and_clear();
    }
}

/// A stage's name, rows, bytes and time; what it does not count is left blank.
fn figures(name: &str, progress: &Progress, took: Duration) -> String {
    let rows = match progress.rows() {
        0 => String::new(),
        rows => format!("{} rows", grouped(rows)),
    };
    let bytes = match progress.bytes() {
        0 => String::new(),
        bytes => size(bytes),
    };
    format!(
        "{name:<9}{rows:>19}  {bytes:>10}  {:>7.2} s",
        took.as_secs_f64()
    )
}

/// A number with its thousands apart: `20,080`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in the largest unit that fits: `1.9 MiB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_leaves_blank_what_it_does_not_count() {
        let progress = Progress::default();
        let took = Duration::from_millis(1_234);
        assert_eq!(
            figures("check", &progress, took),
            "check                                        1.23 s"
        );
        progress.add_rows(20_080);
        progress.add_bytes(2048);
        assert_eq!(
            figures("read", &progress, took),
            "read             20,080 rows     2.0 KiB     1.23 s"
        );
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(20_080), "20,080");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
