//! Detects the format of an object from its first bytes, and decompresses it as a stream.

use std::io::{BufRead, BufReader, Read};

use bytes::Bytes;
use bzip2::bufread::MultiBzDecoder;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;

use crate::source::bytes::gzip::{GzipMembers, is_followed};
use crate::{Error, ErrorKind, Result};

/// The format of an object, detected from its content and not from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Uncompressed text, or any object whose first bytes are not recognized.
    Plain,
    /// One or more gzip members.
    Gzip,
    /// One or more Zstandard frames, skippable ones included.
    Zstd,
    /// One or more bzip2 streams.
    Bzip2,
    /// A Parquet file, whose pages are compressed inside the file.
    Parquet,
}

/// The first bytes and the names of formats that are not supported. If such an object were read as text, the error
/// would be about a missing column, which hides the cause.
const NOT_READ: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "a zip archive"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"\xff\x06\0\0sNaPpY", "a snappy file"),
    (b"Obj\x01", "an Avro file"),
];

/// Rejects an object whose first bytes are those of an unsupported format.
///
/// # Errors
/// `QualityGate` if the object has such a format.
pub(crate) fn require_readable(start: &[u8], file: &str) -> Result<()> {
    let Some((_, format)) = NOT_READ.iter().find(|(mark, _)| start.starts_with(mark)) else {
        return Ok(());
    };
    Err(Error::new(
        ErrorKind::QualityGate,
        format!("`{file}` is {format}, which is not supported"),
    )
    .hint(
        "write the object as Parquet or as delimited text, either uncompressed or compressed with gzip, zstd or bzip2",
    ))
}

impl Content {
    /// Detects the format from the first bytes of an object; short or unknown content is [`Self::Plain`].
    pub(crate) fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, 0x08, ..] => Self::Gzip,
            // A Zstandard frame, or a skippable frame that may precede it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            // A text may begin with `BZh9`, so the marks of the first block and of the end of a stream decide.
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

    /// Returns the name of the format in messages.
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

/// Decompresses all members of a stream, one after another, on a blocking thread.
///
/// The channels to and from that thread hold two chunks each, so a slow consumer stops the download. Dropping the
/// stream stops both the download and the decoder.
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
        // An error of the store is the cause of the decoder's error, so the store's error is the one to report.
        let Some(failure) = source.failed.or(result.err()) else {
            return;
        };
        // The receiver is gone if the run was stopped, and then the error is of no use.
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

/// Handle of the download task. It is dropped together with the stream of decompressed bytes and then aborts the
/// download.
struct Abort(tokio::task::JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Decompresses `source` into chunks of `chunk_bytes` until it ends or the receiver is dropped.
///
/// # Errors
/// `QualityGate` if the bytes cannot be decompressed, or are not text once decompressed.
fn decode_to(
    content: Content,
    source: &mut Chunks,
    chunk_bytes: usize,
    file: &str,
    to_reader: &mpsc::Sender<Result<Bytes>>,
) -> Result<()> {
    let broken = |error: std::io::Error| {
        let hint = if is_followed(&error) {
            "remove the bytes that follow the compressed data, or write the object again"
        } else {
            "write the object again: it is truncated, damaged, or in another format"
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

/// Rejects an object whose decompressed content has a known format that is not text.
///
/// # Errors
/// `QualityGate` if the content is compressed again, has an unsupported format, or is Parquet.
fn require_text(outer: Content, start: &[u8], file: &str) -> Result<()> {
    let (what, hint) = match Content::of(start) {
        Content::Plain => return require_readable(start, file),
        Content::Parquet => (
            format!(
                "`{file}` is a Parquet file compressed with {}",
                outer.name()
            ),
            "store the Parquet file without this compression, because Parquet compresses its own pages",
        ),
        inner => (
            format!(
                "`{file}` is compressed twice: {} within {}",
                inner.name(),
                outer.name()
            ),
            "write the object again, compressed only once",
        ),
    };
    Err(Error::new(ErrorKind::QualityGate, what).hint(hint))
}

/// Blocking reader of the chunks that the store sends, which is the interface that the decoders need.
struct Chunks {
    /// The chunks that are not read yet.
    received: mpsc::Receiver<Result<Bytes>>,
    /// The unread rest of the chunk that was received last.
    current: Bytes,
    /// The store's error; kept here because `std::io::Error` would lose its kind.
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
