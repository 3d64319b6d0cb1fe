//! Writes the rows of a query as a table for people, or as CSV, JSON Lines or Parquet for programs.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::compute::cast;
use arrow::csv::WriterBuilder as CsvWriterBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::LineDelimitedWriter;
use arrow::util::display::FormatOptions;
use arrow::util::pretty::pretty_format_batches_with_options;
use parquet::arrow::ArrowWriter;

use crate::error::{Context, ErrorKind, Result};
use crate::error::{in_line, printable};

/// Format in which a query's rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// Table with aligned columns.
    Table,
    /// CSV (RFC 4180) with a header; NULL is an empty field.
    Csv,
    /// One JSON object per line; NULL fields are omitted.
    Json,
    /// One Parquet file.
    Parquet,
}

/// Writer of batches of rows in one format.
pub enum RowWriter<W: Write + Send> {
    /// Table with aligned columns; all rows are collected before they are written.
    Table(W, Vec<RecordBatch>),
    /// CSV with a header, which is written even if there are no rows.
    Csv(Box<arrow::csv::Writer<W>>),
    /// One JSON object per line; NULL fields are omitted.
    Json(LineDelimitedWriter<W>),
    /// One Parquet file.
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> RowWriter<W> {
    /// Creates a writer, and writes the beginning of the output.
    ///
    /// # Errors
    /// `Failed` if the output cannot be written.
    pub fn new(format: RowFormat, schema: &SchemaRef, out: W) -> Result<Self> {
        let failed = "cannot write the rows";
        Ok(match format {
            RowFormat::Table => Self::Table(out, vec![RecordBatch::new_empty(schema.clone())]),
            RowFormat::Csv => {
                let mut writer = CsvWriterBuilder::new()
                    .with_header(true)
                    .with_timestamp_format("%Y-%m-%d %H:%M:%S%.f".to_owned())
                    .build(out);
                writer
                    .write(&RecordBatch::new_empty(schema.clone()))
                    .context(ErrorKind::Failed, failed)?;
                Self::Csv(Box::new(writer))
            }
            RowFormat::Json => Self::Json(LineDelimitedWriter::new(out)),
            RowFormat::Parquet => Self::Parquet(Box::new(
                ArrowWriter::try_new(out, schema.clone(), None)
                    .context(ErrorKind::Failed, failed)?,
            )),
        })
    }

    /// Writes the rows of a batch; a table keeps them in memory until [`Self::finish`].
    ///
    /// # Errors
    /// `Failed` if the rows cannot be written.
    pub fn write(&mut self, batch: RecordBatch) -> Result<()> {
        let failed = "cannot write the rows";
        match self {
            Self::Table(_, batches) => {
                batches.push(batch);
                Ok(())
            }
            Self::Csv(writer) => writer.write(&batch).context(ErrorKind::Failed, failed),
            Self::Json(writer) => writer.write(&batch).context(ErrorKind::Failed, failed),
            Self::Parquet(writer) => writer.write(&batch).context(ErrorKind::Failed, failed),
        }
    }

    /// Writes the rest of the output: all rows of a table, or the end of a Parquet file.
    ///
    /// # Errors
    /// `Failed` if the output cannot be written.
    pub fn finish(self) -> Result<()> {
        let failed = "cannot write the rows";
        match self {
            Self::Table(mut out, batches) => {
                let text = table(&batches)?;
                writeln!(out, "{text}").and_then(|()| out.flush())
            }
            // The CSV writer flushes each batch.
            Self::Csv(_) => Ok(()),
            Self::Json(mut writer) => {
                writer.finish().context(ErrorKind::Failed, failed)?;
                writer.into_inner().flush()
            }
            Self::Parquet(writer) => writer
                .into_inner()
                .context(ErrorKind::Failed, failed)?
                .flush(),
        }
        .context(ErrorKind::Failed, failed)
    }
}

/// Formats rows as aligned columns; NULL is an empty cell.
///
/// # Errors
/// `Failed` for a column whose type cannot be formatted.
pub fn table(batches: &[RecordBatch]) -> Result<String> {
    let options = FormatOptions::default()
        .with_display_error(true)
        .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let failed = "cannot print the rows";
    let batches: Vec<RecordBatch> = batches
        .iter()
        .map(without_controls)
        .collect::<Result<_, _>>()
        .context(ErrorKind::Failed, failed)?;
    let text = pretty_format_batches_with_options(&batches, &options)
        .context(ErrorKind::Failed, failed)?
        .to_string();
    // Nested values may contain control characters too.
    Ok(printable(&text).into_owned())
}

/// Escapes control characters in the column names and texts of a batch.
fn without_controls(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| {
        if !column.data_type().is_string() {
            return Ok(Arc::clone(column));
        }
        let texts = cast(column, &DataType::Utf8View)?;
        let texts = texts.as_string_view().iter().map(|text| text.map(in_line));
        Ok(Arc::new(texts.collect::<StringViewArray>()) as ArrayRef)
    });
    let schema = batch.schema_ref();
    let fields = schema.fields().iter().map(|field| {
        let kind = match field.data_type() {
            kind if kind.is_string() => DataType::Utf8View,
            kind => kind.clone(),
        };
        Field::new(in_line(field.name()), kind, true)
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = columns.collect::<Result<_, ArrowError>>()?;
    RecordBatch::try_new_with_options(Arc::new(schema), columns, &rows)
}
