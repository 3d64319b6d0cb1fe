//! Compression of column pages.

use std::io::{self, Write as _};

use flate2::write::GzEncoder;
use snap::raw::Encoder;
use zstd::bulk;

use crate::sink::parquet::file_settings::{Codec, ZSTD_LEVEL};

/// A codec with the state that it reuses for every page.
pub(crate) enum Compressor {
    /// No compression.
    None,
    /// Snappy, with its reusable hash table.
    Snappy(Box<Encoder>),
    /// Zstandard, with its reusable context.
    Zstd(bulk::Compressor<'static>),
    /// Gzip; it keeps no state.
    Gzip,
}

impl Compressor {
    /// Creates the compressor of one column.
    ///
    /// # Errors
    /// The codec's error if it cannot allocate its memory.
    pub(crate) fn new(codec: Codec) -> io::Result<Self> {
        Ok(match codec {
            Codec::None => Self::None,
            Codec::Snappy => Self::Snappy(Box::new(Encoder::new())),
            Codec::Zstd => Self::Zstd(bulk::Compressor::new(ZSTD_LEVEL)?),
            Codec::Gzip => Self::Gzip,
        })
    }

    /// Compresses one page.
    ///
    /// # Errors
    /// Those of the codec.
    pub(crate) fn compress(&mut self, page: Vec<u8>) -> io::Result<Vec<u8>> {
        match self {
            Self::None => Ok(page),
            Self::Snappy(encoder) => Ok(encoder.compress_vec(&page)?),
            Self::Zstd(compressor) => compressor.compress(&page),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(&page)?;
                encoder.finish()
            }
        }
    }
}
