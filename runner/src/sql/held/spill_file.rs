//! Bytes put aside on disk, in files of `DataFusion`'s disk manager, so that its limit and its clean-up hold for them.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use datafusion::execution::{DiskManager, SpillFile, SpillWriter};

use crate::error::{Cause, Context};
use crate::{Error, ErrorKind, Result};

/// After so many bytes a new file is begun: few enough files to keep them all open.
const FILE_BYTES: u64 = 1 << 30;

/// Large enough that the disk is written in long strokes.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes segments one after another.
pub(crate) struct Spill {
    disk: Arc<DiskManager>,
    what: String,
    open: Mutex<Option<Open>>,
    written_bytes: AtomicU64,
}

struct Open {
    file: Arc<dyn SpillFile>,
    writer: Box<dyn SpillWriter>,
    length: u64,
}

/// Bytes that were written in one go.
#[derive(Clone)]
pub(crate) struct Segment {
    file: Arc<dyn SpillFile>,
    offset: u64,
    length: u64,
}

impl Spill {
    pub(crate) fn new(disk: Arc<DiskManager>, what: impl Into<String>) -> Self {
        Self {
            disk,
            what: what.into(),
            open: Mutex::new(None),
            written_bytes: AtomicU64::new(0),
        }
    }

    /// How much was written so far.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.written_bytes.load(Ordering::Relaxed)
    }

    /// Writes one segment; it blocks.
    ///
    /// # Errors
    /// Failed: the disk is full, or spilling is switched off.
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
        // Both Arrow and keys write in small pieces, and each that reaches the file is a system call.
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
            // What a failed write left behind has no known length.
            *guard = None;
            return Err(self.failed(error));
        }
        Ok(Segment {
            file: written_to,
            offset,
            length,
        })
    }

    fn begin(&self) -> datafusion::error::Result<Open> {
        let file = self.disk.create_tmp_file(&self.what)?;
        let writer = file.open_writer()?;
        Ok(Open {
            file,
            writer,
            length: 0,
        })
    }

    fn failed(&self, cause: impl Into<Cause>) -> Error {
        Error::new(
            ErrorKind::Failed,
            format!(
                "{} do not fit in memory and cannot be put on disk",
                self.what
            ),
        )
        .hint("raise `--memory-limit`, or give `--spill-dir` a folder with more room")
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
    /// Reads it from a position on; it blocks.
    ///
    /// # Errors
    /// Failed: the file cannot be read.
    pub(crate) fn read(&self, from: u64) -> Result<impl Read + use<>> {
        let what = "rows that were put on disk cannot be read back";
        let path = self.file.path().ok_or_else(|| {
            Error::new(
                ErrorKind::Failed,
                "spill files are expected on a local disk",
            )
        })?;
        let mut file = File::open(path).context(ErrorKind::Failed, what)?;
        file.seek(SeekFrom::Start(self.offset + from))
            .context(ErrorKind::Failed, what)?;
        Ok(file.take(self.length - from))
    }
}

struct Counting<'a> {
    writer: &'a mut Box<dyn SpillWriter>,
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
