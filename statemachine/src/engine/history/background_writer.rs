//! A writer with a thread of its own.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

/// How many full buffers may wait for the thread: with the one that is being filled and the one that is being written
/// there are never more than four.
const WAITING_BUFFERS: usize = 2;

/// Writes one buffer after the other, beside whoever fills them.
///
/// The thread starts with the first full buffer: what fits into one is written where it was made. It only helps: when
/// too much waits, and at the end, whoever fills the buffers writes them too, so that a thread that gets no processor
/// holds nobody up.
pub(super) struct BackgroundWriter {
    state: Arc<WriterState>,
    has_thread: bool,
    /// Something was handed over since the start or the last [`finish`](Self::finish).
    is_owing: bool,
}

/// What the thread and whoever fills the buffers share. Of the locks, the writer's is taken first.
struct WriterState {
    /// None when nothing will be written any more.
    writer: Mutex<Option<Box<dyn Write + Send>>>,
    queue: Mutex<BufferQueue>,
    /// Something has been put into the queue, or nothing will be any more.
    changed: Condvar,
    error: Mutex<Option<io::Error>>,
    broken: Arc<AtomicBool>,
}

#[derive(Default)]
struct BufferQueue {
    full: VecDeque<Vec<u8>>,
    written: Vec<Vec<u8>>,
    has_ended: bool,
}

impl BackgroundWriter {
    /// Starts without a thread; `broken` becomes true with the first error, after which nothing is written any more.
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
            is_owing: false,
        }
    }

    /// Takes what has been gathered and leaves an empty buffer.
    pub(super) fn hand_over(&mut self, gathered: &mut Vec<u8>) {
        self.is_owing = true;
        if !self.has_thread {
            let state = Arc::clone(&self.state);
            let write = move || state.write_until_the_end();
            // Where the system gives no thread, the queue is always full.
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

    /// Writes at once, and flushes.
    pub(super) fn write_through(&self, gathered: &mut Vec<u8>) {
        while self.state.write_next() {}
        self.state.write(|writer| {
            writer.write_all(gathered)?;
            writer.flush()
        });
        gathered.clear();
    }

    /// Tells whether something may not have been written yet, or an error has not been told.
    pub(super) fn is_owing(&self) -> bool {
        self.is_owing || lock(&self.state.error).is_some()
    }

    /// Writes all that was handed over and the rest, and flushes.
    ///
    /// # Errors
    /// The first error since the start; later ones say that there has been one.
    pub(super) fn finish(&mut self, rest: &mut Vec<u8>) -> io::Result<()> {
        self.write_through(rest);
        self.is_owing = false;
        match lock(&self.state.error).take() {
            Some(error) => Err(error),
            None if self.state.is_broken() => {
                Err(io::Error::other("an earlier line could not be written"))
            }
            None => Ok(()),
        }
    }
}

/// Closes what is written to, whether or not the thread has ended by then.
impl Drop for BackgroundWriter {
    fn drop(&mut self) {
        drop(lock(&self.state.writer).take());
        lock(&self.state.queue).has_ended = true;
        self.state.changed.notify_one();
    }
}

impl WriterState {
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

    /// Writes the buffer that has waited longest; tells whether there was one.
    ///
    /// Nobody else writes in between: whoever has the writer takes the buffer.
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

    /// Lets something be written, unless it is too late for that; a panic is an error like others, in either thread.
    fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let mut writer = lock(&self.writer);
        let Some(writer) = writer.as_mut().filter(|_| !self.is_broken()) else {
            return;
        };
        let written = panic::catch_unwind(AssertUnwindSafe(|| write(writer)));
        let written = written.unwrap_or_else(|_| Err(io::Error::other("the writer panicked")));
        written.unwrap_or_else(|error| self.fail(error));
    }

    fn fail(&self, error: io::Error) {
        if !self.broken.swap(true, Ordering::Relaxed) {
            *lock(&self.error) = Some(error);
        }
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for BackgroundWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BackgroundWriter")
            .field("has_thread", &self.has_thread)
            .field("is_owing", &self.is_owing)
            .field("is_broken", &self.state.is_broken())
            .finish_non_exhaustive()
    }
}
