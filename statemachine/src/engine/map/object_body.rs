//! The bytes of an object that an `ItemReader` reads, decompressed if it is a gzip file.

use std::io::Write;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;

use crate::engine::failure::Failure;
use crate::engine::port::task_handler::{TaskFailure, TaskOutput};

/// The largest decompressed size of a gzip file. A larger file fails the state, because even a small gzip file could
/// otherwise fill the memory.
const LARGEST_UNPACKED_BYTES: u64 = 1 << 30;

/// The number of compressed bytes that are decompressed before the limit is checked again.
const UNPACKED_AT_ONCE_BYTES: usize = 1 << 14;

/// Returns the bytes of an object as a stream, and decompresses gzip files.
///
/// The handler may have returned the bytes as a stream, as text or as JSON.
pub(crate) fn byte_stream(object: TaskOutput) -> BoxStream<'static, Result<Bytes, Failure>> {
    let mut unpacking = Decompression::NotBegun;
    packed(object)
        .map(move |chunk| chunk.and_then(|chunk| unpacking.take(chunk)))
        .boxed()
}

/// Returns the bytes of an object as they are stored, which may be compressed.
fn packed(object: TaskOutput) -> BoxStream<'static, Result<Bytes, Failure>> {
    if let Some(body) = object.body {
        let unreadable = |error: TaskFailure| {
            let cause = error.cause.or(error.error);
            Failure::item_reader(
                cause.unwrap_or_else(|| "The object could not be read to its end.".to_owned()),
            )
        };
        return body.map(move |chunk| chunk.map_err(unreadable)).boxed();
    }
    let text = match object.value {
        Value::Object(mut fields) => match fields.remove("Body") {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => Value::Object(fields).to_string(),
        },
        Value::String(text) => text,
        other => other.to_string(),
    };
    futures::stream::iter([Ok(Bytes::from(text))]).boxed()
}

/// Reads all bytes of an object into memory, decompressed if it is a gzip file.
pub(crate) async fn read_all(object: TaskOutput) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut chunks = byte_stream(object);
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk?);
    }
    Ok(bytes)
}

/// The compression of an object, known once its first bytes have arrived.
enum Decompression {
    /// No byte has arrived yet.
    NotBegun,
    /// The object is not a gzip file.
    Plain,
    /// The object is a gzip file, which may have several members.
    Gzip {
        /// The decoder, whose output is taken after each piece.
        decoder: Box<MultiGzDecoder<Vec<u8>>>,
        /// The number of decompressed bytes so far, to enforce the limit.
        bytes: u64,
    },
}

impl Decompression {
    /// Decompresses a chunk of a gzip file; returns other chunks unchanged.
    fn take(&mut self, chunk: Bytes) -> Result<Bytes, Failure> {
        if matches!(self, Self::NotBegun) && !chunk.is_empty() {
            *self = if chunk.starts_with(&[0x1F, 0x8B]) {
                Self::Gzip {
                    decoder: Box::new(MultiGzDecoder::new(Vec::new())),
                    bytes: 0,
                }
            } else {
                Self::Plain
            };
        }
        let Self::Gzip { decoder, bytes } = self else {
            return Ok(chunk);
        };
        let broken = |error| {
            Failure::item_reader(format!(
                "The object cannot be decompressed as gzip: {error}"
            ))
        };
        let mut unpacked = Vec::new();
        // Small pieces, because a piece may decompress to a thousand times its size.
        for piece in chunk.chunks(UNPACKED_AT_ONCE_BYTES) {
            decoder.write_all(piece).map_err(broken)?;
            decoder.flush().map_err(broken)?;
            unpacked.append(decoder.get_mut());
            if *bytes + unpacked.len() as u64 > LARGEST_UNPACKED_BYTES {
                return Err(Failure::item_reader(format!(
                    "The object decompresses to more than {LARGEST_UNPACKED_BYTES} bytes, this program's limit."
                )));
            }
        }
        *bytes += unpacked.len() as u64;
        Ok(Bytes::from(unpacked))
    }
}
