//! A writer that writes full buffers on a background thread.
//!
//! Rejected after measurements: handing over events instead of lines took twice the time, because cloning an event and
//! freeing it on another thread costs more than writing it. Another allocator saved a tenth of the time for one state
//! machine, nothing for the others, and took 10 MiB more memory.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

/// The number of full buffers that may wait for the thread. With the buffer being filled and the one being written,
/// there are never more than four.
const WAITING_BUFFERS: usize = 2;

/// A writer that writes full buffers in order while the caller fills the next one.
///
/// The thread starts with the first full buffer; a history that fits into one buffer is written by the caller. When the
/// queue is full, and at the end, the caller writes buffers too, so that a starved thread never blocks the caller.
pub(super) struct BackgroundWriter {
    /// The state that this writer shares with the background thread.
    state: Arc<WriterState>,
    /// `true` once the thread was started.
    has_thread: bool,
    /// `true` if a buffer was queued since the start or the last [`finish`](Self::finish).
    is_unfinished: bool,
}

/// The state that the thread and the caller share. A function that needs several locks takes the lock of `writer`
/// first.
struct WriterState {
    /// The underlying writer; `None` once the `BackgroundWriter` was dropped, after which nothing is written.
    writer: Mutex<Option<Box<dyn Write + Send>>>,
    /// The buffers between the caller and the thread.
    queue: Mutex<BufferQueue>,
    /// The signal to the thread that a buffer was queued, or that no more buffers will be queued.
    changed: Condvar,
    /// The first error of the writer, until [`finish`](BackgroundWriter::finish) returns it.
    error: Mutex<Option<io::Error>>,
    /// `true` after the first error; the history sink reads it without a lock.
    broken: Arc<AtomicBool>,
}

/// The buffers that wait for the thread, and empty ones for reuse.
#[derive(Default)]
struct BufferQueue {
    /// The buffers to write, the oldest first.
    full: VecDeque<Vec<u8>>,
    /// Buffers that have been written and emptied, for reuse with their capacity.
    written: Vec<Vec<u8>>,
    /// `true` once no buffer will be queued any more.
    has_ended: bool,
}

impl BackgroundWriter {
    /// Creates a writer without a thread; `broken` becomes `true` with the first error, after which nothing is written.
    pub(super) fn new(writer: impl Write + Send + 'static, broken: Arc<AtomicBool>) -> Self {
        let state = WriterState {
            writer: Mutex::new(Some(Box::new(writer))),
            queue: Mutex::default(),
            changed: Condvar::new(),
            error: Mutex::default(),
            broken,
        };
        Self {
            state: Arc::new(state),
            has_thread: false,
            is_unfinished: false,
        }
    }

    /// Queues the gathered bytes for the thread and replaces them with an empty buffer. If the queue is full, the
    /// caller first writes older buffers.
    pub(super) fn enqueue(&mut self, gathered: &mut Vec<u8>) {
        self.is_unfinished = true;
        if !self.has_thread {
            let state = Arc::clone(&self.state);
            let write = move || state.write_until_the_end();
            // If no thread can be started, the queue fills up and the caller writes the buffers.
            self.has_thread = Builder::new()
                .name("history".to_owned())
                .spawn(write)
                .is_ok();
        }
        let mut queue = lock(&self.state.queue);
        while queue.full.len() >= WAITING_BUFFERS {
            drop(queue);
            self.state.write_next();
            queue = lock(&self.state.queue);
        }
        let empty = queue.written.pop();
        let empty = empty.unwrap_or_else(|| Vec::with_capacity(gathered.capacity()));
        queue.full.push_back(mem::replace(gathered, empty));
        drop(queue);
        self.state.changed.notify_one();
    }

    /// Writes all queued buffers and then the gathered bytes on the caller's thread, and flushes.
    pub(super) fn write_through(&self, gathered: &mut Vec<u8>) {
        while self.state.write_next() {}
        self.state.write(|writer| {
            writer.write_all(gathered)?;
            writer.flush()
        });
        gathered.clear();
    }

    /// Returns `true` if a queued buffer may be unwritten, or if [`finish`](Self::finish) has yet to return an error.
    pub(super) fn is_unfinished(&self) -> bool {
        self.is_unfinished || lock(&self.state.error).is_some()
    }

    /// Writes all queued buffers and `rest`, and flushes.
    ///
    /// # Errors
    /// The first error of the writer since the start; once it was returned, an error of kind `Other` for every later
    /// call.
    pub(super) fn finish(&mut self, rest: &mut Vec<u8>) -> io::Result<()> {
        self.write_through(rest);
        self.is_unfinished = false;
        match lock(&self.state.error).take() {
            Some(error) => Err(error),
            None if self.state.is_broken() => Err(io::Error::other(
                "the history is incomplete, because an earlier line could not be written",
            )),
            None => Ok(()),
        }
    }
}

/// Closes the underlying writer, even if the thread has not ended yet.
impl Drop for BackgroundWriter {
    fn drop(&mut self) {
        drop(lock(&self.state.writer).take());
        lock(&self.state.queue).has_ended = true;
        self.state.changed.notify_one();
    }
}

impl WriterState {
    /// Writes queued buffers until the writer is dropped; this is the thread's work.
    fn write_until_the_end(&self) {
        let is_idle = |queue: &mut BufferQueue| queue.full.is_empty() && !queue.has_ended;
        loop {
            let queue = self.changed.wait_while(lock(&self.queue), is_idle);
            let queue = queue.unwrap_or_else(PoisonError::into_inner);
            if queue.has_ended {
                return;
            }
            drop(queue);
            self.write_next();
        }
    }

    /// Writes the oldest queued buffer; returns `true` if there was one.
    ///
    /// The buffer leaves the queue under the writer's lock, so that buffers are written in their order.
    fn write_next(&self) -> bool {
        let mut written = None;
        self.write(|writer| {
            let Some(mut buffer) = lock(&self.queue).full.pop_front() else {
                return Ok(());
            };
            let result = writer.write_all(&buffer);
            buffer.clear();
            written = Some(buffer);
            result
        });
        let has_written = written.is_some();
        let mut queue = lock(&self.queue);
        queue.written.extend(written);
        if self.is_broken() {
            queue.full.clear();
        }
        has_written
    }

    /// Calls `write`, unless the writer is closed or broken; a panic in `write` counts as an error.
    fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let mut writer = lock(&self.writer);
        let Some(writer) = writer.as_mut().filter(|_| !self.is_broken()) else {
            return;
        };
        let written = panic::catch_unwind(AssertUnwindSafe(|| write(writer)));
        let written = written.unwrap_or_else(|_| {
            Err(io::Error::other(
                "the writer that receives the history panicked",
            ))
        });
        written.unwrap_or_else(|error| self.fail(error));
    }

    /// Keeps the first error and stops all further writing.
    fn fail(&self, error: io::Error) {
        if !self.broken.swap(true, Ordering::Relaxed) {
            *lock(&self.error) = Some(error);
        }
    }

    /// Returns `true` once a write has failed or panicked.
    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

/// Locks a mutex, even if a thread panicked while it held the lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for BackgroundWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BackgroundWriter")
            .field("has_thread", &self.has_thread)
            .field("is_unfinished", &self.is_unfinished)
            .field("is_broken", &self.state.is_broken())
            .finish_non_exhaustive()
    }
}
