//! A history written out as JSON Lines.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::DateTime;

use crate::engine::clock::date_text;
use crate::engine::history::{Event, HistorySink};

/// How many bytes of lines are gathered before they are written.
const GATHERED_BYTES: usize = 64 << 10;

/// Writes each event as one line of JSON, in the shape of AWS's `GetExecutionHistory`; its clones share one writer.
///
/// However long an execution runs, it takes no more memory. Lines are gathered: [`finish`](Self::finish) writes the
/// last of them and tells whether all could be written.
///
/// ```
/// use drivetrain_statemachine::{Engine, JsonLines, Machine, TaskCall, TaskError};
/// use serde_json::{Value, json};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let machine = Machine::parse(r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#)?;
/// let lines = JsonLines::new(std::io::stdout());
/// let engine = Engine::new(|_: TaskCall| async { Err::<Value, _>(TaskError::new("NoTask", "")) }).history(lines.clone());
/// engine.run(&machine, json!({})).await?;
/// lines.finish()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct JsonLines<W>(Arc<Mutex<Lines<W>>>);

#[derive(Debug)]
struct Lines<W> {
    writer: W,
    gathered: Vec<u8>,
    /// The last timestamp as text: most events share theirs with the one before.
    timestamp: (i64, String),
    failed: Option<io::Error>,
}

impl<W: Write> JsonLines<W> {
    /// Starts with nothing written.
    #[must_use]
    pub fn new(writer: W) -> Self {
        Self(Arc::new(Mutex::new(Lines {
            writer,
            gathered: Vec::with_capacity(2 * GATHERED_BYTES),
            timestamp: (0, date_text(DateTime::UNIX_EPOCH)),
            failed: None,
        })))
    }

    /// Writes what is still gathered, and flushes.
    ///
    /// # Errors
    /// The first error of the writer, also of an earlier line: what followed it has not been written.
    pub fn finish(&self) -> io::Result<()> {
        let mut lines = self.lock();
        lines.write();
        match lines.failed.take() {
            Some(error) => Err(error),
            None => lines.writer.flush(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write> Lines<W> {
    fn append(&mut self, event: &Event) {
        let milliseconds = event.timestamp.timestamp_millis();
        if self.timestamp.0 != milliseconds {
            self.timestamp = (milliseconds, date_text(event.timestamp));
        }
        event.write_at(&self.timestamp.1, &mut self.gathered);
        self.gathered.push(b'\n');
    }

    fn write(&mut self) {
        if self.failed.is_none() {
            self.failed = self.writer.write_all(&self.gathered).err();
        }
        self.gathered.clear();
    }
}

impl<W> Clone for JsonLines<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W: Write + Send> HistorySink for JsonLines<W> {
    fn record(&self, event: &Event) {
        let mut lines = self.lock();
        lines.append(event);
        if lines.gathered.len() >= GATHERED_BYTES {
            lines.write();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::history::{Details, EventType};

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

    #[test]
    fn each_event_is_a_line_however_many_there_are() {
        let lines = JsonLines::new(Vec::new());
        let input = "x".repeat(10_000);
        for id in 1..=50 {
            lines.record(&event(id, &input));
        }
        lines.finish().unwrap();
        let written = lines.lock().writer.clone();
        let ids: Vec<u64> = written
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap())
            .filter_map(|line| line["id"].as_u64())
            .collect();
        assert_eq!(ids, (1..=50).collect::<Vec<u64>>());
    }

    #[test]
    fn an_error_of_the_writer_is_told_at_the_end() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lines = JsonLines::new(Full);
        lines.record(&event(1, &"x".repeat(GATHERED_BYTES)));
        lines.record(&event(2, "{}"));
        assert_eq!(
            lines.finish().unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
    }
}
