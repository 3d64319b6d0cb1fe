//! Reads an open file in few, large pieces. Only long reads move to a blocking thread, because each switch of threads
//! costs as much time as reading some hundred kilobytes.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt};
use object_store::{Error, ObjectMeta, Result};

use crate::store::buffer_pool::BufferPool;

/// The largest number of bytes in one piece of a stream.
const PIECE_BYTES: u64 = 8 << 20;

/// The largest total size of a read that runs on the caller's thread; moving it to another thread would take longer.
const AT_HAND_BYTES: usize = 512 << 10;

/// A file that a store opened; clones share the handle.
#[derive(Clone, Debug)]
pub(crate) struct OpenFile {
    /// The open file, which may have been deleted or replaced since.
    file: Arc<File>,
    /// The size and time of change when the file was opened, by which a later write is noticed.
    meta: Arc<ObjectMeta>,
    /// The pool of buffers for long reads.
    buffers: BufferPool,
}

impl OpenFile {
    /// Wraps an open file; `meta` holds its size and time of change when it was opened.
    pub(crate) fn new(file: File, meta: &ObjectMeta, buffers: &BufferPool) -> Self {
        Self {
            file: Arc::new(file),
            meta: Arc::new(meta.clone()),
            buffers: buffers.clone(),
        }
    }

    /// Returns `true` if the file was not written to since it was opened. A file that was deleted, or replaced by a
    /// rename, is still readable in its old version and counts as unchanged.
    pub(crate) fn is_unchanged(&self) -> Result<bool> {
        let now = self.file.metadata().map_err(failed)?;
        let modified = now.modified().map_err(failed)?;
        Ok(now.len() == self.meta.size
            && DateTime::<Utc>::from(modified) == self.meta.last_modified)
    }

    /// Returns a range of the file as a stream of pieces of at most [`PIECE_BYTES`].
    pub(crate) fn stream(self, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
        let starts = range
            .clone()
            .step_by(usize::try_from(PIECE_BYTES).unwrap_or(usize::MAX));
        let pieces = starts.map(move |start| start..range.end.min(start + PIECE_BYTES));
        stream::iter(pieces)
            .then(move |piece| {
                let file = self.clone();
                async move {
                    let mut bytes = file.ranges(vec![piece]).await?;
                    Ok(bytes.pop().expect("one range was asked for"))
                }
            })
            .boxed()
    }

    /// Reads ranges one after the other: on the caller's thread if they are short, otherwise on a blocking thread.
    pub(crate) async fn ranges(self, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>> {
        let length = |range: &Range<u64>| usize::try_from(range.end.saturating_sub(range.start));
        let lengths: Vec<usize> = ranges
            .iter()
            .map(length)
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| failed(io::Error::other(error)))?;
        if lengths.iter().sum::<usize>() <= AT_HAND_BYTES {
            let read = |(range, length): (&Range<u64>, usize)| {
                let mut bytes = vec![0; length];
                self.file.read_exact_at(&mut bytes, range.start)?;
                Ok(bytes.into())
            };
            let read = ranges
                .iter()
                .zip(lengths)
                .map(read)
                .collect::<io::Result<_>>();
            return read.map_err(failed);
        }
        // Buffers are allocated before the switch of threads. Otherwise the allocator would keep freed memory for each
        // of the many blocking threads.
        let buffers: Vec<_> = lengths
            .into_iter()
            .map(|length| self.buffers.take(length))
            .collect();
        let read = move || {
            let read = |(range, mut buffer): (&Range<u64>, Vec<u8>)| {
                self.file.read_exact_at(&mut buffer, range.start)?;
                Ok(self.buffers.share(buffer))
            };
            ranges
                .iter()
                .zip(buffers)
                .map(read)
                .collect::<io::Result<_>>()
        };
        tokio::task::spawn_blocking(read).await?.map_err(failed)
    }
}

/// Converts an I/O error to the error type of `object_store`.
fn failed(source: io::Error) -> Error {
    Error::Generic {
        store: "LocalFileSystem",
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use futures::TryStreamExt as _;

    use super::*;

    fn opened(file: File) -> OpenFile {
        let found = file.metadata().unwrap();
        let meta = ObjectMeta {
            location: "file".into(),
            last_modified: found.modified().unwrap().into(),
            size: found.len(),
            e_tag: None,
            version: None,
        };
        OpenFile::new(file, &meta, &BufferPool::default())
    }

    #[tokio::test]
    async fn a_range_of_several_pieces_arrives_whole_and_in_order() {
        let content = (0_u32..3 << 20)
            .flat_map(u32::to_le_bytes)
            .collect::<Vec<_>>();
        let mut written = tempfile::tempfile().unwrap();
        written.write_all(&content).unwrap();
        let file = opened(written);
        let range = 5..content.len() as u64 - 7;
        let pieces: Vec<Bytes> = file.clone().stream(range).try_collect().await.unwrap();
        assert_eq!(pieces.len(), 2);
        assert!(pieces.concat() == content[5..content.len() - 7]);
        let ranges = file.ranges(vec![4..8, 0..0, 0..4]).await.unwrap();
        assert_eq!(ranges, [&content[4..8], &[], &content[..4]]);
    }

    #[tokio::test]
    async fn a_file_that_ends_early_is_an_error() {
        let file = opened(tempfile::tempfile().unwrap());
        assert!(file.ranges(vec![0..1, 1..2]).await.is_err());
    }

    #[test]
    fn a_file_that_was_written_to_is_changed_and_one_that_was_renamed_over_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "before").unwrap();
        let file = opened(File::open(&path).unwrap());
        std::fs::write(folder.path().join("other"), "after").unwrap();
        std::fs::rename(folder.path().join("other"), &path).unwrap();
        assert!(file.is_unchanged().unwrap());
        let file = opened(File::open(&path).unwrap());
        std::fs::write(&path, "longer than before").unwrap();
        assert!(!file.is_unchanged().unwrap());
    }
}
