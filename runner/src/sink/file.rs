//! One Parquet file while it is encoded.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;

use super::collect::query_error;
use super::parquet::FileSettings;
use crate::commit::PartWriter;
use crate::error::{Context, ErrorKind, Result};

/// Bytes are handed to the store in blocks of at least this size: an upload's parts must not be smaller than 5 MiB.
const BLOCK_BYTES: usize = 8 << 20;

/// Rows from which the number of a column's different values is estimated.
const SAMPLE_ROWS: usize = 4096;

/// With fewer rows an estimate says nothing.
const LEAST_SAMPLE_ROWS: usize = 128;

/// A dictionary pays while a column has at most so many times as many different values as there are rows in the sample:
/// beyond, nearly every row of a file brings a new one.
const DICTIONARY_REACH: usize = 8;

/// What all files of a table have in common.
pub(super) struct Format {
    /// The columns of a file.
    pub schema: SchemaRef,
    /// How it is written.
    pub files: FileSettings,
    /// The most bytes of a row group while it is built.
    pub row_group_bytes: usize,
}

/// An open file: its encoder, and the part that takes its bytes as soon as there are any.
pub(super) struct File {
    parquet: ArrowWriter<Vec<u8>>,
    rows: u64,
    target_bytes: u64,
    /// Where its first bytes went.
    pub part: Option<PartWriter>,
}

impl Format {
    /// Begins a file whose first rows are these: they tell for which columns a dictionary pays.
    ///
    /// # Errors
    /// `Failed`, for columns that Parquet cannot hold.
    pub fn begin(&self, first: &RecordBatch) -> Result<File> {
        let names = self.schema.fields().iter().map(|field| field.name());
        let many = names
            .zip(many_valued(first)?)
            .filter_map(|(name, many)| many.then_some(name.as_str()));
        let properties = self.files.properties(many, self.row_group_bytes);
        // The Arrow schema is left out of the file: readers need none, and it would name string views.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true);
        let parquet = ArrowWriter::try_new_with_options(Vec::new(), self.schema.clone(), options)
            .context(ErrorKind::Failed, "cannot begin a Parquet file")?;
        Ok(File {
            parquet,
            rows: 0,
            target_bytes: self.files.target_file_bytes,
            part: None,
        })
    }
}

impl File {
    /// Encodes rows.
    ///
    /// # Errors
    /// `Failed`, as the encoder says.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.parquet
            .write(batch)
            .context(ErrorKind::Failed, "cannot encode Parquet")
    }

    /// Bytes that are complete, where they are enough for the store.
    pub fn block(&mut self) -> Option<Bytes> {
        // The writer keeps count of its offset by itself.
        let block = self.parquet.inner_mut();
        (block.len() >= BLOCK_BYTES).then(|| std::mem::take(block).into())
    }

    /// Whether the file has reached its size.
    pub fn is_full(&self) -> bool {
        (self.parquet.bytes_written() + self.parquet.in_progress_size()) as u64 >= self.target_bytes
    }

    /// Bytes that it holds in memory.
    pub fn memory_bytes(&self) -> usize {
        self.parquet.memory_size() + self.parquet.inner().capacity()
    }

    /// Ends it: the last bytes, and the rows in all.
    ///
    /// # Errors
    /// `Failed`, as the encoder says.
    pub fn end(self) -> Result<(Bytes, u64)> {
        let bytes = self
            .parquet
            .into_inner()
            .context(ErrorKind::Failed, "cannot end a Parquet file")?;
        Ok((bytes.into(), self.rows))
    }
}

/// For each column, whether it has so many different values that a dictionary would only cost.
fn many_valued(first: &RecordBatch) -> Result<Vec<bool>> {
    let rows = first.num_rows().min(SAMPLE_ROWS);
    if rows < LEAST_SAMPLE_ROWS {
        return Ok(vec![false; first.num_columns()]);
    }
    let state = RandomState::with_seed(0);
    let mut hashes = Vec::with_capacity(rows);
    first
        .slice(0, rows)
        .columns()
        .iter()
        .map(|column| {
            hashes.clear();
            hashes.resize(rows, 0);
            create_hashes([column], &state, &mut hashes).map_err(query_error)?;
            hashes.sort_unstable();
            Ok(different(&hashes) > DICTIONARY_REACH * rows)
        })
        .collect()
}

/// The number of different values of which these, sorted, are a sample: Chao's estimate, from those seen once and twice.
fn different(sorted: &[u64]) -> usize {
    let (mut seen, mut once, mut twice) = (0, 0, 0);
    for equal in sorted.chunk_by(|a, b| a == b) {
        seen += 1;
        match equal.len() {
            1 => once += 1,
            2 => twice += 1,
            _ => {}
        }
    }
    seen + once * once / (2 * twice).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_different_values_is_estimated_from_a_sample() {
        let sample = |values: u64| {
            let mut state = 1_u64;
            let mut sample: Vec<u64> = (0..1_000)
                .map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    (state >> 33) % values
                })
                .collect();
            sample.sort_unstable();
            different(&sample)
        };
        assert_eq!(sample(10), 10);
        assert!((1_500..3_000).contains(&sample(2_000)));
        assert!(sample(1_000_000) > 100_000);
    }
}
