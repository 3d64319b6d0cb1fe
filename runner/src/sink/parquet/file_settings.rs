//! How Parquet files are written: codec, row groups, statistics, page index.

use std::fmt;
use std::str::FromStr;

use parquet::basic::{Compression, CompressionCodec, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde::Serialize;

use crate::error::{Error, ErrorKind};

/// Others are smaller by little, and cost much.
pub(crate) const ZSTD_LEVEL: i32 = 1;

/// The settings of written files; they count as parameters of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FileSettings {
    /// How pages are compressed.
    pub compression: Codec,
    /// A file is closed and the next begun when it holds about this many bytes.
    pub target_file_bytes: u64,
    /// The most rows of a row group.
    pub row_group_rows: usize,
}

impl Default for FileSettings {
    /// 256 MiB files: few enough for a listing, small enough to be read side by side. A million rows a group is
    /// parquet's own default.
    fn default() -> Self {
        Self {
            compression: Codec::Zstd,
            target_file_bytes: 256 << 20,
            row_group_rows: 1 << 20,
        }
    }
}

impl FileSettings {
    /// Statistics and the page index are always on: Athena and DataFusion skip pages by them.
    /// Columns of many values are written without a dictionary.
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

/// A Parquet codec that Athena, Spark, Trino and DuckDB all read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// No compression.
    None,
    /// Fast, the common default of other writers.
    Snappy,
    /// Level 1: smaller than snappy at little cost.
    Zstd,
    /// For readers that know nothing else.
    Gzip,
}

impl Codec {
    const NAMES: [(&'static str, Self); 4] = [
        ("none", Self::None),
        ("snappy", Self::Snappy),
        ("zstd", Self::Zstd),
        ("gzip", Self::Gzip),
    ];

    /// As a file's footer names it.
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
