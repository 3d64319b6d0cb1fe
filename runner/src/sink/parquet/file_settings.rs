//! Settings of written Parquet files: codec, file size, row groups, statistics, page index.

use std::fmt;
use std::str::FromStr;

use parquet::basic::{Compression, CompressionCodec, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde::Serialize;

use crate::error::{Error, ErrorKind};

/// The compression level of zstd; higher levels make files slightly smaller at a high cost.
pub(crate) const ZSTD_LEVEL: i32 = 1;

/// Settings of the Parquet files that a run writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FileSettings {
    /// The codec that compresses pages.
    pub compression: Codec,
    /// The approximate size in bytes at which a file is finished and the next one started.
    pub target_file_bytes: u64,
    /// The largest number of rows in a row group.
    pub row_group_rows: usize,
}

impl Default for FileSettings {
    /// Returns zstd, files of 256 MiB, and row groups of about a million rows.
    ///
    /// With this size, files are few enough to list and small enough to be read in parallel. The row group size is the
    /// parquet crate's default.
    fn default() -> Self {
        Self {
            compression: Codec::Zstd,
            target_file_bytes: 256 << 20,
            row_group_rows: 1 << 20,
        }
    }
}

impl FileSettings {
    /// Returns the parquet crate's properties for these settings; columns in `many_valued` get no dictionary.
    ///
    /// Statistics and the page index are always on, because Athena and DataFusion skip pages by them.
    pub(crate) fn properties<'a>(
        &self,
        many_valued: impl Iterator<Item = &'a str>,
        row_group_bytes: usize,
    ) -> WriterProperties {
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("drivetrain ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(self.compression.into())
            .set_max_row_group_row_count(Some(self.row_group_rows))
            .set_max_row_group_bytes(Some(row_group_bytes))
            .set_statistics_enabled(EnabledStatistics::Page);
        for column in many_valued {
            properties = properties.set_column_dictionary_enabled(column.into(), false);
        }
        properties.build()
    }
}

/// A Parquet codec that Athena, Spark, Trino and DuckDB can all read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// No compression.
    None,
    /// Snappy: fast, and the common default of other writers.
    Snappy,
    /// Zstandard at level 1: smaller files than with snappy at little cost.
    Zstd,
    /// Gzip, for readers that support no other codec.
    Gzip,
}

impl Codec {
    /// Names of the codecs on the command line and in reports.
    const NAMES: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("snappy", Self::Snappy),
        ("zstd", Self::Zstd),
        ("gzip", Self::Gzip),
    ];

    /// Returns the codec as a file's footer stores it.
    pub(crate) fn compression_codec(self) -> CompressionCodec {
        Compression::from(self).into()
    }
}

impl From<Codec> for Compression {
    fn from(codec: Codec) -> Self {
        match codec {
            Codec::None => Self::UNCOMPRESSED,
            Codec::Snappy => Self::SNAPPY,
            Codec::Zstd => Self::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).expect("level 1 exists")),
            Codec::Gzip => Self::GZIP(parquet::basic::GzipLevel::default()),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::NAMES
            .iter()
            .find(|(_, codec)| codec == self)
            .map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl FromStr for Codec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::NAMES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, codec)| *codec)
            .ok_or_else(|| {
                let names = Self::NAMES.map(|(name, _)| format!("`{name}`")).join(", ");
                Error::new(
                    ErrorKind::Usage,
                    format!("unknown compression `{text}`, expected one of {names}"),
                )
            })
    }
}
