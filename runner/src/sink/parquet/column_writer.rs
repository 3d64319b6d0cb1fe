//! The interface between a file and the encoders of its columns: this crate's encoder for text and numbers, the parquet
//! crate's for all other types.
//!
//! This crate's encoder saves 0.8 to 1 s of about 23 s of processor time over the fact table of 10 million rentals, and
//! must be checked at every release of the parquet crate. It can be removed once the parquet crate's writer
//! - looks up short string views in its dictionary as integers, instead of hashing the bytes of each row's value, and
//! - takes the bounds of a page from the dictionary entries that the page uses, instead of comparing each row's value.
//!
//! Until then [`EncoderKind`] switches between the two, and a test writes the same rows through both.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, compute_leaves};
use parquet::errors::Result;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::ColumnDescPtr;

use crate::sink::parquet::column::ColumnEncoder;
use crate::sink::parquet::column::number::NumberKind;
use crate::sink::parquet::column::text::TextKind;
use crate::sink::parquet::file_settings::Codec;

/// The choice of the encoder for text and number columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EncoderKind {
    /// This crate's encoder.
    Own,
    /// The parquet crate's encoder.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "only tests use it, to compare both encoders")
    )]
    ParquetCrate,
}

/// Writer of one column of a row group.
pub(crate) enum ColumnWriter {
    /// Text, by this crate's encoder.
    Text(Box<ColumnEncoder<TextKind>>),
    /// Integers and types that files store as integers, by this crate's encoder.
    Number(Box<ColumnEncoder<NumberKind>>),
    /// Any other type, by the parquet crate's encoder.
    ParquetCrate(Box<ArrowColumnWriter>),
}

impl ColumnWriter {
    /// Creates a writer over this crate's encoder; `None` for types that this encoder does not support.
    ///
    /// # Errors
    /// The codec's error if it cannot allocate its memory.
    pub fn own(
        column: ColumnDescPtr,
        data_type: &DataType,
        codec: Codec,
        with_dictionary: bool,
    ) -> Result<Option<Self>> {
        if data_type == &DataType::Utf8View {
            let text = ColumnEncoder::new(TextKind, column, codec, with_dictionary)?;
            return Ok(Some(Self::Text(Box::new(text))));
        }
        let Some(kind) = NumberKind::of(column.physical_type(), data_type) else {
            return Ok(None);
        };
        let number = ColumnEncoder::new(kind, column, codec, with_dictionary)?;
        Ok(Some(Self::Number(Box::new(number))))
    }

    /// Appends the values of a batch.
    ///
    /// # Errors
    /// The parquet crate's error for a NULL in a required column, for a decimal with too many digits, or if the codec
    /// fails.
    pub fn write(&mut self, field: &Field, values: &ArrayRef) -> Result<()> {
        match self {
            Self::Text(column) => column.write(values.as_string_view()),
            Self::Number(column) => column.write(&column.kind().read(values)?),
            // No contract type has more than one leaf column.
            Self::ParquetCrate(column) => compute_leaves(field, values)?
                .iter()
                .try_for_each(|leaf| column.write(leaf)),
        }
    }

    /// Finishes the column and appends it to `row_group`.
    ///
    /// # Errors
    /// Those of the codec.
    pub fn close_into(self, row_group: &mut SerializedRowGroupWriter<'_, Vec<u8>>) -> Result<()> {
        match self {
            Self::Text(column) => column.close()?.append(row_group),
            Self::Number(column) => column.close()?.append(row_group),
            Self::ParquetCrate(column) => column.close()?.append_to_row_group(row_group),
        }
    }

    /// Estimates the size in the file, in bytes, of the rows written so far.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(column) => column.bytes(),
            Self::Number(column) => column.bytes(),
            Self::ParquetCrate(column) => column.get_estimated_total_bytes(),
        }
    }

    /// Returns the number of bytes that the writer holds in memory.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Text(column) => column.memory_bytes(),
            Self::Number(column) => column.memory_bytes(),
            Self::ParquetCrate(column) => column.memory_size(),
        }
    }
}
