//! Finds out by its first bytes how an object is compressed, and decompresses it as a stream of bytes.

use std::io::{BufRead, BufReader, Read};

use bytes::Bytes;
use bzip2::bufread::MultiBzDecoder;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;

use crate::source::bytes::gzip::{GzipMembers, is_followed};
use crate::{Error, ErrorKind, Result};

/// What an object is, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Plain,
    Gzip,
    Zstd,
    Bzip2,
    Parquet,
}

/// Formats that are not read, by their first bytes: as text each would only lack the first column.
const NOT_READ: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "a zip archive"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"\xff\x06\0\0sNaPpY", "a snappy file"),
    (b"Obj\x01", "an Avro file"),
];

/// Refuses formats that are not read.
///
/// # Errors
/// Quality gate: the object is of one of them.
pub(crate) fn require_readable(start: &[u8], file: &str) -> Result<()> {
    let Some((_, format)) = NOT_READ.iter().find(|(mark, _)| start.starts_with(mark)) else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::QualityGate,
        format!("`{file}` is {format}, which is not read"),
    )
    .hint(
        "write it as Parquet or as delimited text: plain, or compressed with gzip, zstd or bzip2",
    ))
}

impl Content {
    /// Judges the first bytes of an object.
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            // A frame, or a frame of anything else that may precede it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            // A header `BZh9` could begin a text: the first block's mark, or that of the end, decides.
            [
                b'B',
                b'Z',
                b'h',
                b'1'..=b'9',
                0x31,
                0x41,
                0x59,
                0x26,
                0x53,
                0x59,
                ..,
            ]
            | [
                b'B',
                b'Z',
                b'h',
                b'1'..=b'9',
                0x17,
                0x72,
                0x45,
                0x38,
                0x50,
                0x90,
                ..,
            ] => Self::Bzip2,
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            _ => Self::Plain,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Parquet => "parquet",
        }
    }
}

/// Decompresses all members of a stream, one after another, on a thread of its own.
pub(crate) fn decompress(
    content: Content,
    file: &str,
    compressed: impl Stream<Item = Result<Bytes>> + Send + Unpin + 'static,
    chunk_bytes: usize,
) -> BoxStream<'static, Result<Bytes>> {
    let (to_decoder, from_store) = mpsc::channel(2);
    let (to_reader, decompressed) = mpsc::channel(2);
    let name = file.to_owned();
    let feed = async move {
        let mut compressed = compressed;
        while let Some(bytes) = compressed.next().await {
            if to_decoder.send(bytes).await.is_err() {
                return;
            }
        }
    };
    let decode = move || {
        let mut source = Chunks {
            received: from_store,
            current: Bytes::new(),
            failed: None,
        };
        let result = decode_to(content, &mut source, chunk_bytes, &name, &to_reader);
        // The store's failure says more than what the decoder made of it.
        let Some(failure) = source.failed.or(result.err()) else {
            return;
        };
        // Nobody listens any more where the run was stopped.
        let _ = to_reader.blocking_send(Err(failure));
    };
    let feeding = Abort(tokio::spawn(feed));
    tokio::task::spawn_blocking(decode);
    futures::stream::unfold(
        (decompressed, feeding),
        |(mut chunks, feeding)| async move {
            chunks.recv().await.map(|chunk| (chunk, (chunks, feeding)))
        },
    )
    .boxed()
}

/// Stops feeding when nobody reads any more.
struct Abort(tokio::task::JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn decode_to(
    content: Content,
    source: &mut Chunks,
    chunk_bytes: usize,
    file: &str,
    to_reader: &mpsc::Sender<Result<Bytes>>,
) -> Result<()> {
    let broken = |error: std::io::Error| {
        let hint = if is_followed(&error) {
            "was something added to the object after it was compressed?"
        } else {
            "is the object cut off, or no file of this kind?"
        };
        let what = format!("`{file}` cannot be decompressed as {}", content.name());
        Error::new(ErrorKind::QualityGate, what)
            .caused_by(error)
            .hint(hint)
    };
    let mut decoder: Box<dyn Read + '_> = match content {
        Content::Gzip => Box::new(GzipMembers::new(source)),
        Content::Bzip2 => Box::new(MultiBzDecoder::new(source)),
        Content::Zstd => {
            Box::new(zstd::stream::read::Decoder::with_buffer(source).map_err(broken)?)
        }
        Content::Plain | Content::Parquet => Box::new(BufReader::new(source)),
    };
    let mut is_first = true;
    loop {
        let mut chunk = Vec::with_capacity(chunk_bytes);
        decoder
            .by_ref()
            .take(chunk_bytes as u64)
            .read_to_end(&mut chunk)
            .map_err(broken)?;
        if is_first {
            require_text(content, &chunk, file)?;
            is_first = false;
        }
        if chunk.is_empty() || to_reader.blocking_send(Ok(chunk.into())).is_err() {
            return Ok(());
        }
    }
}

/// Refuses what is no text once it is decompressed.
///
/// # Errors
/// Quality gate: it is compressed once more, or of a format that is not read, or not read so.
fn require_text(outer: Content, start: &[u8], file: &str) -> Result<()> {
    let (what, hint) = match Content::of(start) {
        Content::Plain => return require_readable(start, file),
        Content::Parquet => (
            format!("`{file}` is a Parquet file within {}", outer.name()),
            "Parquet is compressed within: write it as it is",
        ),
        inner => (
            format!(
                "`{file}` is compressed twice: {} within {}",
                inner.name(),
                outer.name()
            ),
            "compress it once",
        ),
    };
    Err(Error::new(ErrorKind::QualityGate, what).hint(hint))
}

/// Chunks from the store as one reader.
struct Chunks {
    received: mpsc::Receiver<Result<Bytes>>,
    current: Bytes,
    failed: Option<Error>,
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        while self.current.is_empty() {
            match self.received.blocking_recv() {
                None => break,
                Some(Ok(bytes)) => self.current = bytes,
                Some(Err(error)) => {
                    self.failed = Some(error);
                    return Err(std::io::Error::other("the object cannot be read"));
                }
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current = self.current.slice(amount..);
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}
