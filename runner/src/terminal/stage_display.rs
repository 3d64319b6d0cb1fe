//! Displays a run's stages on standard error: progress bars on a terminal, one line per stage elsewhere.

use std::any::Any;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::report::{grouped, size};
use crate::terminal::stderr::{self, shown};
use crate::watch::{Progress, StageObserver};

/// Interval at which bars are redrawn: short enough to look smooth, long enough to cost little.
const REDRAW: Duration = Duration::from_millis(100);

/// Display of stages on standard error; only one stage runs at a time.
#[derive(Clone, Copy, Debug)]
pub struct Display {
    /// Bars or lines, depending on whether standard error is a terminal.
    kind: DisplayStyle,
}

/// Form in which a stage is displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DisplayStyle {
    /// A bar while a stage runs, and a line when it has ended.
    Bars,
    /// Only a line when a stage has ended.
    Lines,
}

impl Display {
    /// Creates a display that shows bars if standard error is a terminal, and only lines otherwise.
    #[must_use]
    pub fn new() -> Self {
        let kind = if io::stderr().is_terminal() {
            DisplayStyle::Bars
        } else {
            DisplayStyle::Lines
        };
        Self { kind }
    }
}

impl Default for Display {
    fn default() -> Self {
        Self::new()
    }
}

impl StageObserver for Display {
    fn started(&self, name: &'static str, progress: &Progress) -> Box<dyn Any + Send> {
        Box::new((self.kind == DisplayStyle::Bars).then(|| Ticker::start(name, progress.clone())))
    }

    fn finished(&self, name: &'static str, progress: &Progress, took: Duration) {
        stderr::note(&format!("  {}", figures(name, progress, took)));
    }
}

/// Progress bar that is redrawn from the stage's counters until it is dropped.
struct Ticker {
    /// Bar that shows the stage's rows, bytes and time; it is erased when the stage ends.
    bar: ProgressBar,
    /// Task that redraws the bar every [`REDRAW`]; it is aborted when the stage ends.
    task: tokio::task::JoinHandle<()>,
}

impl Ticker {
    /// Shows a bar and starts to redraw it.
    fn start(name: &'static str, progress: Progress) -> Self {
        // The bar has the same first columns as the line that is printed when the stage ends.
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
                // The total number of bytes may become known late, or never, as for a query.
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

/// Formats a stage's name, rows, bytes and time in columns; counters that the stage does not use are blank.
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
}
