//! Writes spilled bytes to files of `DataFusion`'s disk manager, whose size limit and cleanup apply to them.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use datafusion::execution::{DiskManager, SpillFile, SpillWriter};

use crate::error::{Cause, Context};
use crate::{Error, ErrorKind, Result};

/// The size in bytes at which the next file is started; large, so that all files can stay open.
const FILE_BYTES: u64 = 1 << 30;

/// The size of the write buffer in bytes; large, so that the disk gets long sequential writes.
const BUFFER_BYTES: usize = 1 << 20;

/// A writer of segments, one after another, into as many files as they need.
pub(crate) struct Spill {
    /// The manager that creates the files.
    disk: Arc<DiskManager>,
    /// The name of the spilled content in messages, such as `keys` or `accepted rows`.
    what: String,
    /// The file that the next segment goes to; `None` before the first segment and after a failed write.
    open: Mutex<Option<Open>>,
    /// The number of bytes written to all files.
    written_bytes: AtomicU64,
}

/// A spill file in progress.
struct Open {
    /// The file, shared with the segments in it.
    file: Arc<dyn SpillFile>,
    /// The writer that appends to the file.
    writer: Box<dyn SpillWriter>,
    /// The number of bytes written to the file.
    length: u64,
}

/// A range of bytes in a spill file, written by one call of [`Spill::write`].
#[derive(Clone)]
pub(crate) struct Segment {
    /// The file, which is deleted when its last reference is dropped.
    file: Arc<dyn SpillFile>,
    /// The offset of the segment's first byte in the file.
    offset: u64,
    /// The number of bytes in the segment.
    length: u64,
}

impl Spill {
    /// Creates a spill without files; `what` names its content in messages.
    pub(crate) fn new(disk: Arc<DiskManager>, what: impl Into<String>) -> Self {
        Self {
            disk,
            what: what.into(),
            open: Mutex::new(None),
            written_bytes: AtomicU64::new(0),
        }
    }

    /// Returns the number of bytes written so far.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// Writes one segment, with the bytes that `fill` writes; blocks the thread.
    ///
    /// # Errors
    /// `Failed` if `fill` fails, the disk is full, or spilling is disabled.
    pub(crate) fn write<E: Into<Cause>>(
        &self,
        fill: impl FnOnce(&mut dyn Write) -> Result<(), E>,
    ) -> Result<Segment> {
        let mut guard = self
            .open
            .lock()
            .expect("no writer panics while it holds the lock");
        if guard.as_ref().is_some_and(|open| open.length >= FILE_BYTES) {
            *guard = None;
        }
        let open = match &mut *guard {
            Some(open) => open,
            closed => closed.insert(self.begin().map_err(|error| self.failed(error))?),
        };
        let offset = open.length;
        let mut length = 0;
        // Callers write small pieces, and each unbuffered piece would be a system call.
        let mut buffered = BufWriter::with_capacity(
            BUFFER_BYTES,
            Counting {
                writer: &mut open.writer,
                length: &mut length,
            },
        );
        let result = fill(&mut buffered)
            .map_err(Into::into)
            .and_then(|()| buffered.flush().map_err(Cause::from));
        drop(buffered);
        open.length += length;
        let written_to = Arc::clone(&open.file);
        self.written_bytes.fetch_add(length, Ordering::Relaxed);
        if let Err(error) = result {
            // A failed write leaves an unknown number of bytes behind: the next segment gets a new file.
            *guard = None;
            return Err(self.failed(error));
        }
        Ok(Segment {
            file: written_to,
            offset,
            length,
        })
    }

    /// Creates a new, empty spill file.
    fn begin(&self) -> datafusion::error::Result<Open> {
        let file = self.disk.create_tmp_file(&self.what)?;
        let writer = file.open_writer()?;
        Ok(Open {
            file,
            writer,
            length: 0,
        })
    }

    /// Builds the error for content that could not be written to disk.
    fn failed(&self, cause: impl Into<Cause>) -> Error {
        let folders = self.disk.temp_dir_paths();
        let folder = folders.first().and_then(|folder| folder.parent());
        let to = folder.map_or_else(|| "disk".to_owned(), |at| format!("`{}`", at.display()));
        let message = format!(
            "{} do not fit in memory and cannot be spilled to {to}",
            self.what
        );
        Error::new(ErrorKind::Failed, message)
            .hint("raise `--memory-limit`, or point `--spill-dir` to a disk with more space")
            .caused_by(cause)
    }
}

impl std::fmt::Debug for Spill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spill")
            .field("what", &self.what)
            .field("written_bytes", &self.written_bytes)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("offset", &self.offset)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Segment {
    /// Opens the segment for reading, from its byte `from` on; blocks the thread.
    ///
    /// # Errors
    /// `Failed` if the file cannot be read.
    pub(crate) fn read(&self, from: u64) -> Result<impl Read + use<>> {
        let path = self.file.path().ok_or_else(|| {
            Error::new(
                ErrorKind::Failed,
                "a spill file has no path on a local disk, so its rows cannot be read back; this is a bug",
            )
        })?;
        let what = format!(
            "rows or keys that were spilled to `{}` cannot be read back",
            path.display()
        );
        let mut file = File::open(path).context(ErrorKind::Failed, &what)?;
        file.seek(SeekFrom::Start(self.offset + from))
            .context(ErrorKind::Failed, what)?;
        Ok(file.take(self.length - from))
    }
}

/// A writer that counts the bytes that reach the file.
struct Counting<'a> {
    /// The writer that appends to the file.
    writer: &'a mut Box<dyn SpillWriter>,
    /// The number of bytes written so far.
    length: &'a mut u64,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.writer.write(bytes)?;
        *self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}
