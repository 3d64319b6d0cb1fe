//! A writer with a thread of its own.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// How many full buffers may wait for the thread: with the one that is being filled and the one that is being written
/// there are never more than four. Whoever fills them waits for a writer that is slower.
const WAITING_BUFFERS: usize = 2;

/// Writes one buffer after the other, beside whoever fills them.
///
/// The thread starts with the first full buffer: what fits into one is written where it was made.
pub(super) struct BackgroundWriter {
    target: Arc<Target>,
    thread: Option<Running>,
}

/// What is written to, by the thread while there is one.
struct Target {
    writer: Mutex<Box<dyn Write + Send>>,
    error: Mutex<Option<io::Error>>,
    broken: Arc<AtomicBool>,
}

struct Running {
    full: SyncSender<Vec<u8>>,
    written: Receiver<Vec<u8>>,
    handle: JoinHandle<()>,
}

impl BackgroundWriter {
    /// Starts without a thread; `broken` becomes true with the first error, after which nothing is written any more.
    pub(super) fn new(writer: impl Write + Send + 'static, broken: Arc<AtomicBool>) -> Self {
        let target = Target {
            writer: Mutex::new(Box::new(writer)),
            error: Mutex::default(),
            broken,
        };
        Self {
            target: Arc::new(target),
            thread: None,
        }
    }

    /// Takes what has been gathered and leaves an empty buffer.
    pub(super) fn hand_over(&mut self, gathered: &mut Vec<u8>) {
        if self.thread.is_none() {
            self.thread = Running::start(&self.target).ok();
        }
        let Some(thread) = &self.thread else {
            // The system gives no thread.
            self.target.write(gathered);
            gathered.clear();
            return;
        };
        let empty = thread.written.try_recv();
        let empty = empty.unwrap_or_else(|_| Vec::with_capacity(gathered.capacity()));
        if thread.full.send(mem::replace(gathered, empty)).is_err() {
            self.target.fail(panicked());
        }
    }

    /// Writes at once, and flushes.
    pub(super) fn write_through(&self, gathered: &mut Vec<u8>) {
        self.target.write(gathered);
        self.target.flush();
        gathered.clear();
    }

    /// Tells whether something is still being written, or an error has not been told.
    pub(super) fn is_owing(&self) -> bool {
        self.thread.is_some() || lock(&self.target.error).is_some()
    }

    /// Ends the thread, writes the rest, and flushes.
    ///
    /// # Errors
    /// The first error since the start; later ones say that there has been one.
    pub(super) fn finish(&mut self, rest: &mut Vec<u8>) -> io::Result<()> {
        if let Some(Running { full, handle, .. }) = self.thread.take() {
            // The thread ends when it has written all that was handed over.
            drop(full);
            if handle.join().is_err() {
                self.target.fail(panicked());
            }
        }
        self.write_through(rest);
        match lock(&self.target.error).take() {
            Some(error) => Err(error),
            None if self.target.is_broken() => {
                Err(io::Error::other("an earlier line could not be written"))
            }
            None => Ok(()),
        }
    }
}

impl Running {
    fn start(target: &Arc<Target>) -> io::Result<Self> {
        let (full, handed_over) = sync_channel::<Vec<u8>>(WAITING_BUFFERS);
        let (give_back, written) = sync_channel(WAITING_BUFFERS + 2);
        let target = Arc::clone(target);
        let write = move || {
            for mut buffer in handed_over {
                target.write(&buffer);
                buffer.clear();
                // At the end nobody wants it back.
                give_back.send(buffer).ok();
            }
        };
        let handle = Builder::new().name("history".to_owned()).spawn(write)?;
        Ok(Self {
            full,
            written,
            handle,
        })
    }
}

impl Target {
    fn write(&self, bytes: &[u8]) {
        if !self.is_broken() && !bytes.is_empty() {
            let written = lock(&self.writer).write_all(bytes);
            written.unwrap_or_else(|error| self.fail(error));
        }
    }

    fn flush(&self) {
        if !self.is_broken() {
            let flushed = lock(&self.writer).flush();
            flushed.unwrap_or_else(|error| self.fail(error));
        }
    }

    fn fail(&self, error: io::Error) {
        if !self.broken.swap(true, Ordering::Relaxed) {
            *lock(&self.error) = Some(error);
        }
    }

    fn is_broken(&self) -> bool {
        // After a panic nobody knows how much has been written.
        self.broken.load(Ordering::Relaxed) || self.writer.is_poisoned()
    }
}

fn panicked() -> io::Error {
    io::Error::other("the writer panicked")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for BackgroundWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BackgroundWriter")
            .field("has_thread", &self.thread.is_some())
            .field("is_broken", &self.target.is_broken())
            .finish()
    }
}
