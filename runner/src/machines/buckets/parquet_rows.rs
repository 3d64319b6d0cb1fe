//! Reads the rows of a Parquet file as JSON, for a Map state whose items are in such a file.

use std::fs::File;

use arrow::json::WriterBuilder;
use arrow::json::writer::JsonArray;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::error::Cause;

/// Magic bytes at the beginning and the end of a Parquet file.
pub const MAGIC: &[u8] = b"PAR1";

/// Reads all rows of a Parquet file as a JSON array of objects; NULL becomes `null`.
///
/// # Errors
/// The first error of the Parquet reader.
pub fn rows(file: File) -> Result<Value, Cause> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
    let mut text = Vec::new();
    let builder = WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, JsonArray>(&mut text);
    for batch in reader {
        writer.write(&batch?)?;
    }
    writer.finish()?;
    if text.is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    Ok(serde_json::from_slice(&text)?)
}
