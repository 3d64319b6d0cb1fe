//! Rejected rows, and the files to which they are written.
//!
//! Rows are rejected in three places: during decoding (by the rules in `row_faults`), by `judge` (row rules and
//! references), and by `keys/late_rejections` (duplicate keys, and references that are resolved after decoding).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::Serialize;

use crate::error::Context;
use crate::source::judge::Rejected;
use crate::sql::held::dataset_rows::HeldDataset;
use crate::{ErrorKind, Result};

/// The columns of the quarantine's files, in order. `run_id` comes last, because it is added only when the files are
/// written.
const COLUMNS: [(&str, DataType); 10] = [
    ("dataset", DataType::Utf8),
    ("file", DataType::Utf8),
    ("line", DataType::Int64),
    ("last_line", DataType::Int64),
    ("byte_offset", DataType::Int64),
    ("column", DataType::Utf8),
    ("rule", DataType::Utf8),
    ("message", DataType::Utf8),
    ("raw_text", DataType::Utf8),
    ("run_id", DataType::Utf8),
];

/// The number of bytes that are buffered before they are sent as one block of an upload; S3 requires at least 5 MiB.
const PART_BYTES: usize = 8 << 20;

/// The encoded size after which a row group ends. A limit by rows would not bound memory: raw text may be 64 KiB per
/// row.
const ROW_GROUP_BYTES: usize = 16 << 20;

/// The rejected rows of all datasets, in memory or on disk.
#[derive(Debug, Default)]
pub struct Quarantine {
    /// The rejected rows, one item per dataset.
    held: Vec<HeldDataset>,
}

/// The files to which a quarantine was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuarantineFiles {
    /// The path of the Parquet file with all rejected rows.
    pub parquet: String,
    /// The path of the CSV file with all rejected rows.
    pub csv: String,
    /// The number of rows in each of the two files.
    pub rows: u64,
}

impl Quarantine {
    /// Creates a quarantine from the rejected rows of each dataset.
    pub(crate) fn new(held: Vec<HeldDataset>) -> Self {
        Self { held }
    }

    /// Returns the number of rejected rows in all datasets.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.held.iter().map(|held| held.rows).sum()
    }

    /// Writes `rows.parquet` and `rows.csv` under a prefix; without any rows, writes nothing and returns `None`.
    ///
    /// # Errors
    /// `Failed` if the store rejects a write, or spilled rows cannot be read back.
    pub async fn write(
        &self,
        store: &Arc<dyn ObjectStore>,
        prefix: &Path,
        run_id: &str,
    ) -> Result<Option<QuarantineFiles>> {
        if self.rows() == 0 {
            return Ok(None);
        }
        let parquet_path = prefix.clone().join("rows.parquet");
        let csv_path = prefix.clone().join("rows.csv");
        let mut parquet = QuarantineUpload::begin(store, &parquet_path).await?;
        let mut csv = QuarantineUpload::begin(store, &csv_path).await?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), full_schema(), Some(properties))
            .context(
                ErrorKind::Failed,
                format!("the quarantine file `{parquet_path}` cannot be written"),
            )?;
        csv.put(csv_header());
        let all = (0..schema().fields().len()).collect::<Arc<[usize]>>();
        for group in self.held.iter().flat_map(|held| &held.groups) {
            let (group, all) = (Arc::clone(group), Arc::clone(&all));
            let batches = tokio::task::spawn_blocking(move || group.load(&all))
                .await
                .unwrap_or_else(|error| {
                    Err(crate::Error::new(
                        ErrorKind::Failed,
                        format!("reading the rejected rows ended unexpectedly: {error}"),
                    ))
                })?;
            for batch in batches {
                let batch = with_run_id(&batch, run_id)?;
                writer.write(&batch).context(
                    ErrorKind::Failed,
                    format!("the quarantine file `{parquet_path}` cannot be written"),
                )?;
                if writer.in_progress_size() > ROW_GROUP_BYTES {
                    writer.flush().context(
                        ErrorKind::Failed,
                        format!("the quarantine file `{parquet_path}` cannot be written"),
                    )?;
                }
                parquet.put(std::mem::take(writer.inner_mut()));
                csv.put(csv_rows(&batch));
                parquet.wait().await?;
                csv.wait().await?;
            }
        }
        let rest = writer.into_inner().context(
            ErrorKind::Failed,
            format!("the quarantine file `{parquet_path}` cannot be written"),
        )?;
        parquet.put(rest);
        parquet.finish().await?;
        csv.finish().await?;
        Ok(Some(QuarantineFiles {
            parquet: parquet_path.to_string(),
            csv: csv_path.to_string(),
            rows: self.rows(),
        }))
    }
}

/// Returns the schema in which rejected rows are held: all columns but `run_id`.
pub(crate) fn schema() -> SchemaRef {
    fields(&COLUMNS[..COLUMNS.len() - 1])
}

/// Builds a batch of the rejected rows of one file.
///
/// # Errors
/// `Failed` if Arrow rejects the columns, which is a bug.
pub(crate) fn batch(dataset: &str, file: &str, rejected: &[Rejected]) -> Result<RecordBatch> {
    let text = |value: &dyn Fn(&Rejected) -> Option<String>| -> ArrayRef {
        Arc::new(rejected.iter().map(value).collect::<StringArray>())
    };
    let number = |value: &dyn Fn(&Rejected) -> u64| -> ArrayRef {
        let value = |row: &Rejected| i64::try_from(value(row)).unwrap_or(i64::MAX);
        Arc::new(Int64Array::from_iter_values(rejected.iter().map(value)))
    };
    let columns = vec![
        text(&|_| Some(dataset.to_owned())),
        text(&|_| Some(file.to_owned())),
        number(&|row| row.place.line),
        number(&|row| row.place.last_line),
        number(&|row| row.place.byte_offset),
        text(&|row| row.fault.column.as_deref().map(str::to_owned)),
        text(&|row| Some(row.fault.rule.to_string())),
        text(&|row| Some(row.fault.message.clone())),
        text(&|row| Some(row.place.raw_text.clone())),
    ];
    RecordBatch::try_new(schema(), columns).context(
        ErrorKind::Failed,
        "the rejected rows do not match the quarantine's columns, which is a bug",
    )
}

/// Returns the schema of the files: all columns, `run_id` included.
fn full_schema() -> SchemaRef {
    fields(&COLUMNS)
}

/// Builds a schema; only `column` may be NULL.
fn fields(columns: &[(&str, DataType)]) -> SchemaRef {
    let fields = columns
        .iter()
        .map(|(name, data_type)| Field::new(*name, data_type.clone(), *name == "column"))
        .collect::<Vec<_>>();
    Schema::new(fields).into()
}

/// Adds the column `run_id` to a batch of held rows.
fn with_run_id(batch: &RecordBatch, run_id: &str) -> Result<RecordBatch> {
    let mut columns = batch.columns().to_vec();
    columns.push(Arc::new(StringArray::from(vec![run_id; batch.num_rows()])));
    RecordBatch::try_new(full_schema(), columns).context(
        ErrorKind::Failed,
        "the rejected rows do not match the quarantine's columns, which is a bug",
    )
}

/// Returns the first line of `rows.csv`.
fn csv_header() -> Vec<u8> {
    let names = COLUMNS.map(|(name, _)| name);
    format!("{}\n", names.join(",")).into_bytes()
}

/// Formats rows as CSV: NULL becomes an empty field, and an empty text becomes `""`.
fn csv_rows(batch: &RecordBatch) -> Vec<u8> {
    let mut csv = Vec::new();
    for row in 0..batch.num_rows() {
        for (index, column) in batch.columns().iter().enumerate() {
            if index > 0 {
                csv.push(b',');
            }
            if let Some(texts) = column.as_string_opt::<i32>() {
                if texts.is_valid(row) {
                    append_field(&mut csv, texts.value(row));
                }
            } else {
                let number = column.as_primitive::<Int64Type>().value(row);
                csv.extend_from_slice(number.to_string().as_bytes());
            }
        }
        csv.push(b'\n');
    }
    csv
}

/// Appends one text as a CSV field, quoted if necessary.
fn append_field(csv: &mut Vec<u8>, text: &str) {
    if !text.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        csv.extend_from_slice(text.as_bytes());
        return;
    }
    csv.push(b'"');
    csv.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    csv.push(b'"');
}

/// The multipart upload of one quarantine file.
struct QuarantineUpload {
    /// The object's path, for messages.
    path: Path,
    /// The upload, with the blocks that are buffered or in flight.
    parts: WriteMultipart,
}

impl QuarantineUpload {
    /// Starts the upload of the quarantine file `path`.
    async fn begin(store: &Arc<dyn ObjectStore>, path: &Path) -> Result<Self> {
        let upload = store.put_multipart(path).await.context(
            ErrorKind::Failed,
            format!("the quarantine file `{path}` cannot be written"),
        )?;
        Ok(Self {
            path: path.clone(),
            parts: WriteMultipart::new_with_chunk_size(upload, PART_BYTES),
        })
    }

    /// Buffers bytes and starts to send a block once enough are buffered.
    fn put(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.parts.put(Bytes::from(bytes));
        }
    }

    /// Waits while more than two blocks are in flight, so that memory stays bounded.
    async fn wait(&mut self) -> Result<()> {
        self.parts.wait_for_capacity(2).await.context(
            ErrorKind::Failed,
            format!("the quarantine file `{}` cannot be written", self.path),
        )
    }

    /// Sends the buffered bytes and completes the upload; only then is the object visible.
    async fn finish(self) -> Result<()> {
        self.parts.finish().await.context(
            ErrorKind::Failed,
            format!("the quarantine file `{}` cannot be written", self.path),
        )?;
        Ok(())
    }
}
