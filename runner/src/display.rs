//! What a person sees while a run goes on: bars on a terminal, one plain line a stage elsewhere; always on standard error.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::progress::Progress;

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
        let kind = if std::io::stderr().is_terminal() {
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
        eprintln!("{text}");
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
        eprintln!(
            "  {:<9}{}  {:>7.2} s",
            self.name,
            amount(&self.progress),
            took.as_secs_f64()
        );
        took
    }
}

/// Redraws a bar from the counters until it is dropped.
struct Ticker {
    bar: ProgressBar,
    task: tokio::task::JoinHandle<()>,
}

impl Ticker {
    fn start(name: &'static str, progress: Progress) -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("  {prefix:<9}{wide_bar} {msg}")
            .expect("the template is valid");
        bar.set_style(style);
        bar.set_prefix(name);
        let drawn = bar.clone();
        let task = tokio::spawn(async move {
            loop {
                if progress.bytes_total() > 0 {
                    drawn.set_length(progress.bytes_total());
                    drawn.set_position(progress.bytes());
                }
                drawn.set_message(amount(&progress));
                tokio::time::sleep(REDRAW).await;
            }
        });
        Self { bar, task }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.task.abort();
        self.bar.finish_and_clear();
    }
}

fn amount(progress: &Progress) -> String {
    format!(
        "{:>14} rows  {:>10}",
        grouped(progress.rows()),
        size(progress.bytes())
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
    fn thousands_stand_apart() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(20_080), "20,080");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
