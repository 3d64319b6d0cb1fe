//! A history sink that writes events as JSON Lines.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::engine::clock::date_text;
use crate::engine::history::background_writer::BackgroundWriter;
use crate::engine::history::event::Event;
use crate::engine::history::history_sink::HistorySink;

/// The number of bytes that are gathered before they are written. Waking the writer thread costs as much as writing
/// 16 KiB, so a much smaller buffer would be slower.
const GATHERED_BYTES: usize = 256 << 10;

/// The space that a buffer has beyond `GATHERED_BYTES` for its last line; most lines are shorter, so that buffers
/// rarely grow.
const USUAL_LINE_BYTES: usize = 16 << 10;

/// A history sink that writes each event as one line of JSON, in the shape of AWS's `GetExecutionHistory`; clones share
/// one writer.
///
/// Memory is constant, however long an execution runs. Lines are gathered in buffers, which a background thread writes
/// while the execution goes on. [`finish`](Self::finish) writes the rest and returns the first error. If the last clone
/// is dropped before that, the drop writes the rest; if that fails, it prints the error to standard error. An execution
/// whose lines cannot be written is stopped.
///
/// ```
/// use drivetrain_statemachine::{Engine, JsonLines, Machine, TaskCall, TaskFailure};
/// use serde_json::{Value, json};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let machine = Machine::parse(r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#)?;
/// let lines = JsonLines::new(std::io::stdout());
/// let engine = Engine::new(|_: TaskCall| async { Err::<Value, _>(TaskFailure::new("NoTask", "")) }).history(lines.clone());
/// engine.run(&machine, json!({})).await?;
/// lines.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct JsonLines {
    /// The lines and the writer, which clones share.
    lines: Arc<Mutex<Lines>>,
    /// `true` after the first error of the writer.
    broken: Arc<AtomicBool>,
}

/// The gathered lines and their writer.
#[derive(Debug)]
struct Lines {
    /// The writer that receives full buffers.
    writer: BackgroundWriter,
    /// The lines that the writer has not received yet.
    gathered: Vec<u8>,
    /// The last timestamp and its text, which is reused because most events have the timestamp of the event before.
    timestamp: (DateTime<Utc>, String),
    /// `true` if each line is written and flushed at once.
    at_once: bool,
    /// `true` if each line begins with the `executionArn`.
    names_executions: bool,
}

impl JsonLines {
    /// Creates a sink that writes to `writer`.
    #[must_use]
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        let broken = Arc::default();
        let lines = Lines {
            writer: BackgroundWriter::new(writer, Arc::clone(&broken)),
            gathered: Vec::with_capacity(GATHERED_BYTES + USUAL_LINE_BYTES),
            timestamp: (DateTime::UNIX_EPOCH, date_text(DateTime::UNIX_EPOCH)),
            at_once: false,
            names_executions: false,
        };
        Self {
            lines: Arc::new(Mutex::new(lines)),
            broken,
        }
    }

    /// Writes and flushes each line at once, without gathering.
    #[must_use]
    pub fn at_once(self) -> Self {
        self.lock().at_once = true;
        self
    }

    /// Begins each line with the `executionArn`, for a writer that receives the events of many executions.
    #[must_use]
    pub fn naming_executions(self) -> Self {
        self.lock().names_executions = true;
        self
    }

    /// Writes the gathered lines and flushes the writer.
    ///
    /// # Errors
    /// The first error of the writer, which may have occurred at an earlier line; nothing was written after it.
    pub fn finish(&self) -> io::Result<()> {
        self.lock().finish()
    }

    /// Locks the lines, even if a thread panicked while it held the lock.
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Appends an event as one line to the gathered lines.
    fn append(&mut self, event: &Event) {
        let (last, text) = &mut self.timestamp;
        if *last != event.timestamp {
            if last.timestamp_millis() != event.timestamp.timestamp_millis() {
                *text = date_text(event.timestamp);
            }
            *last = event.timestamp;
        }
        let out = &mut self.gathered;
        if self.names_executions {
            out.extend_from_slice(b"{\"executionArn\":");
            serde_json::to_writer(&mut *out, &*event.execution)
                .expect("a text is valid JSON, and writing to memory never fails");
        }
        let fields = out.len();
        event.write_at(&self.timestamp.1, out);
        if self.names_executions {
            out[fields] = b',';
        }
        out.push(b'\n');
    }

    /// Writes the gathered lines, flushes, and returns the first error.
    fn finish(&mut self) -> io::Result<()> {
        self.writer.finish(&mut self.gathered)
    }
}

impl HistorySink for JsonLines {
    fn record(&self, event: &Event) {
        if self.is_broken() {
            return;
        }
        let mut guard = self.lock();
        let lines = &mut *guard;
        lines.append(event);
        if lines.at_once {
            lines.writer.write_through(&mut lines.gathered);
        } else if lines.gathered.len() >= GATHERED_BYTES {
            lines.writer.enqueue(&mut lines.gathered);
        }
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

/// Writes the remaining lines if [`JsonLines::finish`] was not called, so that nothing is lost.
impl Drop for Lines {
    fn drop(&mut self) {
        if self.gathered.is_empty() && !self.writer.is_unfinished() {
            return;
        }
        if let Err(error) = self.finish() {
            // `eprintln!` would panic if standard error is closed.
            writeln!(
                io::stderr(),
                "error: the history is incomplete, because writing it failed: {error}"
            )
            .ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::history::event::{Details, EventType};

    fn event(id: u64, input: &str) -> Event {
        Event {
            execution: "arn".into(),
            timestamp: DateTime::UNIX_EPOCH,
            id,
            previous_event_id: id - 1,
            event_type: EventType::PassStateEntered,
            details: Details {
                name: Some("A".into()),
                input: Some(input.into()),
                ..Details::default()
            },
        }
    }

    /// The bytes that a writer received; clones share them.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Page {
        fn ids(&self) -> Vec<u64> {
            let written = self.0.lock().unwrap();
            let text = std::str::from_utf8(&written).unwrap();
            text.lines()
                .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
                .map(|line| line["id"].as_u64().unwrap())
                .collect()
        }
    }

    /// A writer that takes some bytes, then fails or panics.
    struct Small {
        left: usize,
        panics: bool,
    }

    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.left == 0 {
                assert!(!self.panics, "a writer that panics");
                return Err(io::ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(self.left);
            self.left -= taken;
            Ok(taken)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_event_is_a_line_however_many_there_are() {
        for length in [1, 10_000, 3 * GATHERED_BYTES] {
            let page = Page::default();
            let lines = JsonLines::new(page.clone());
            let input = "x".repeat(length);
            for id in 1..=50 {
                lines.record(&event(id, &input));
            }
            lines.finish().unwrap();
            assert_eq!(page.ids(), (1..=50).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn lines_after_the_end_are_written_too() {
        let page = Page::default();
        let lines = JsonLines::new(page.clone());
        for id in 1..=4 {
            lines.record(&event(id, &"x".repeat(GATHERED_BYTES)));
            lines.finish().unwrap();
        }
        lines.record(&event(5, "{}"));
        assert_eq!(page.ids(), [1, 2, 3, 4]);
        drop(lines);
        assert_eq!(page.ids(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_writer_that_is_slower_than_the_lines_gets_them_all_in_order() {
        struct Slow(Page);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                for _ in 0..50 {
                    std::thread::yield_now();
                }
                self.0.write(&bytes[..bytes.len().min(50_000)])
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let page = Page::default();
        let lines = JsonLines::new(Slow(page.clone()));
        for id in 1..=500 {
            lines.record(&event(id, &"x".repeat(GATHERED_BYTES / 3)));
        }
        lines.finish().unwrap();
        assert_eq!(page.ids(), (1..=500).collect::<Vec<u64>>());
    }

    #[test]
    fn the_writer_is_closed_with_the_last_clone() {
        struct Closing(Arc<AtomicBool>);
        impl Drop for Closing {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        impl Write for Closing {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for length in [1, GATHERED_BYTES] {
            let closed = Arc::new(AtomicBool::new(false));
            let lines = JsonLines::new(Closing(Arc::clone(&closed)));
            for id in 1..=5 {
                lines.record(&event(id, &"x".repeat(length)));
            }
            lines.finish().unwrap();
            assert!(!closed.load(Ordering::SeqCst));
            drop(lines);
            assert!(closed.load(Ordering::SeqCst));
        }
    }

    #[test]
    fn dropping_the_last_clone_writes_the_rest() {
        let page = Page::default();
        let lines = JsonLines::new(page.clone());
        let clone = lines.clone();
        for id in 1..=10 {
            lines.record(&event(id, &"x".repeat(GATHERED_BYTES / 3)));
        }
        drop(lines);
        clone.record(&event(11, "{}"));
        drop(clone);
        assert_eq!(page.ids(), (1..=11).collect::<Vec<u64>>());
    }

    #[test]
    fn at_once_writes_each_line_as_it_happens() {
        let page = Page::default();
        let lines = JsonLines::new(page.clone()).at_once().naming_executions();
        lines.record(&event(1, "{}"));
        let written = page.0.lock().unwrap().clone();
        assert!(written.starts_with(b"{\"executionArn\":\"arn\",\"timestamp\":"));
        assert_eq!(page.ids(), [1]);
    }

    #[test]
    fn an_error_or_panic_of_the_writer_is_returned_once_at_the_end() {
        for panics in [false, true] {
            for left in [0, 1, GATHERED_BYTES / 2, GATHERED_BYTES, 4 * GATHERED_BYTES] {
                let lines = JsonLines::new(Small { left, panics });
                for id in 1..=50 {
                    lines.record(&event(id, &"x".repeat(GATHERED_BYTES / 3)));
                }
                let error = lines.finish().unwrap_err();
                let expected = if panics {
                    io::ErrorKind::Other
                } else {
                    io::ErrorKind::StorageFull
                };
                assert_eq!(error.kind(), expected, "{error}");
                assert!(lines.is_broken());
                lines.record(&event(51, "{}"));
                assert_eq!(
                    lines.finish().unwrap_err().to_string(),
                    "the history is incomplete, because an earlier line could not be written"
                );
            }
        }
    }
}
