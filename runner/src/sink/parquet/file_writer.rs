//! One Parquet file while it is encoded.

use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriterOptions};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use crate::commit::PartWriter;
use crate::error::{Context, ErrorKind, Result};
use crate::sink::parquet::column_writer::{ColumnWriter, EncoderKind};
use crate::sink::parquet::file_settings::{Codec, FileSettings};
use crate::sql::query_error;

/// Bytes are handed to the store in blocks of at least this size: an upload's parts must not be smaller than 5 MiB.
const BLOCK_BYTES: usize = 8 << 20;

/// Rows from which the number of a column's different values is estimated.
const SAMPLE_ROWS: usize = 1024;

/// With fewer rows an estimate says nothing.
const LEAST_SAMPLE_ROWS: usize = 128;

/// A dictionary pays while a column has at most so many times as many different values as there are rows in the sample:
/// beyond, nearly every row of a file brings a new one.
const DICTIONARY_REACH: usize = 32;

/// What all files of a table have in common.
pub(crate) struct FileFormat {
    /// The columns of a file.
    pub schema: SchemaRef,
    /// How it is written.
    pub files: FileSettings,
    /// The most bytes of a row group while it is built.
    pub row_group_bytes: usize,
    /// The encoder of text and number columns.
    pub encoder: EncoderKind,
}

/// An open file: its encoder, and the part that takes its bytes as soon as there are any.
pub(crate) struct File {
    schema: SchemaRef,
    parquet: SerializedFileWriter<Vec<u8>>,
    row_groups: ArrowRowGroupWriterFactory,
    row_group: Option<RowGroup>,
    /// For each column, whether a dictionary would only cost.
    many_valued: Vec<bool>,
    encoder: EncoderKind,
    codec: Codec,
    most_rows: usize,
    most_bytes: usize,
    rows: u64,
    target_bytes: u64,
    /// Where its first bytes went.
    pub part: Option<PartWriter>,
}

/// A row group while it is built.
struct RowGroup {
    columns: Vec<ColumnWriter>,
    rows: usize,
}

impl FileFormat {
    /// Begins a file whose first rows are these: they tell for which columns a dictionary pays.
    ///
    /// # Errors
    /// `Failed`, for columns that Parquet cannot hold.
    pub fn begin(&self, first: &RecordBatch) -> Result<File> {
        let many_valued = many_valued(first)?;
        let names = self.schema.fields().iter().map(|field| field.name());
        let many = names
            .zip(&many_valued)
            .filter_map(|(name, many)| many.then_some(name.as_str()));
        let properties = self.files.properties(many, self.row_group_bytes);
        // The Arrow schema is left out of the file: readers need none, and it would name string views.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true);
        let begun = ArrowWriter::try_new_with_options(Vec::new(), self.schema.clone(), options);
        let (parquet, row_groups) = begun
            .and_then(ArrowWriter::into_serialized_writer)
            .context(ErrorKind::Failed, "cannot begin a Parquet file")?;
        Ok(File {
            schema: SchemaRef::clone(&self.schema),
            parquet,
            row_groups,
            row_group: None,
            many_valued,
            encoder: self.encoder,
            codec: self.files.compression,
            most_rows: self.files.row_group_rows,
            most_bytes: self.row_group_bytes,
            rows: 0,
            target_bytes: self.files.target_file_bytes,
            part: None,
        })
    }
}

impl File {
    /// Encodes rows, the columns on as many threads as are given.
    ///
    /// # Errors
    /// `Failed`, as the encoder says.
    pub fn write(&mut self, batches: &[RecordBatch], threads: usize) -> Result<()> {
        self.encode(batches, threads)
            .context(ErrorKind::Failed, "cannot encode Parquet")
    }

    fn encode(&mut self, batches: &[RecordBatch], threads: usize) -> Result<(), ParquetError> {
        let filled = batches.iter().filter(|batch| batch.num_rows() > 0);
        let mut batches: Vec<RecordBatch> = filled.cloned().collect();
        while !batches.is_empty() {
            let mut row_group = match self.row_group.take() {
                Some(row_group) => row_group,
                None => self.begin_row_group()?,
            };
            let later = split_off(&mut batches, self.most_rows - row_group.rows);
            row_group.encode(&self.schema, &batches, threads)?;
            let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
            row_group.rows += rows;
            self.rows += rows as u64;
            let is_full = row_group.rows == self.most_rows || row_group.bytes() >= self.most_bytes;
            self.row_group = Some(row_group);
            if is_full {
                self.end_row_group()?;
            }
            batches = later;
        }
        Ok(())
    }

    fn begin_row_group(&self) -> Result<RowGroup, ParquetError> {
        let place = self.parquet.flushed_row_groups().len();
        let writers = self.row_groups.create_column_writers(place)?;
        let columns = writers.into_iter().enumerate().map(|(place, writer)| {
            let data_type = self.schema.field(place).data_type();
            let own = match self.encoder {
                EncoderKind::ParquetCrate => None,
                EncoderKind::Own => ColumnWriter::own(
                    self.parquet.schema_descr().column(place),
                    data_type,
                    self.codec,
                    !self.many_valued[place],
                )?,
            };
            Ok(own.unwrap_or_else(|| ColumnWriter::ParquetCrate(Box::new(writer))))
        });
        Ok(RowGroup {
            columns: columns.collect::<Result<_, ParquetError>>()?,
            rows: 0,
        })
    }

    fn end_row_group(&mut self) -> Result<(), ParquetError> {
        let Some(row_group) = self.row_group.take() else {
            return Ok(());
        };
        // In one step: a buffer that grows is copied again and again.
        self.parquet.inner_mut().reserve(row_group.bytes());
        let mut written = self.parquet.next_row_group()?;
        for column in row_group.columns {
            column.close_into(&mut written)?;
        }
        written.close()?;
        Ok(())
    }

    /// Bytes that are complete, where they are enough for the store.
    pub fn block(&mut self) -> Option<Bytes> {
        // The writer keeps count of its offset by itself.
        let block = self.parquet.inner_mut();
        (block.len() >= BLOCK_BYTES).then(|| std::mem::take(block).into())
    }

    /// Whether the file has reached its size.
    pub fn is_full(&self) -> bool {
        let open = self.row_group.as_ref().map_or(0, RowGroup::bytes);
        (self.parquet.bytes_written() + open) as u64 >= self.target_bytes
    }

    /// Bytes that it holds in memory.
    pub fn memory_bytes(&self) -> usize {
        let columns = self.row_group.iter().flat_map(|open| &open.columns);
        let open: usize = columns.map(ColumnWriter::memory_bytes).sum();
        open + self.parquet.inner().capacity()
    }

    /// Ends it: the last bytes, and the rows in all.
    ///
    /// # Errors
    /// `Failed`, as the encoder says.
    pub fn end(mut self) -> Result<(Bytes, u64)> {
        let bytes = self
            .end_row_group()
            .and_then(|()| self.parquet.into_inner())
            .context(ErrorKind::Failed, "cannot end a Parquet file")?;
        Ok((bytes.into(), self.rows))
    }
}

impl RowGroup {
    /// Bytes that it would take in the file.
    fn bytes(&self) -> usize {
        self.columns.iter().map(ColumnWriter::bytes).sum()
    }

    fn encode(
        &mut self,
        schema: &SchemaRef,
        batches: &[RecordBatch],
        threads: usize,
    ) -> Result<(), ParquetError> {
        let encode = |(place, column): (usize, &mut ColumnWriter)| {
            let field = schema.field(place);
            batches
                .iter()
                .try_for_each(|batch| column.write(field, batch.column(place)))
        };
        let mut columns = self.columns.iter_mut().enumerate();
        if threads <= 1 {
            return columns.try_for_each(encode);
        }
        let columns = Mutex::new(columns);
        let next = || {
            let mut columns = columns.lock().unwrap_or_else(PoisonError::into_inner);
            columns.next()
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| std::iter::from_fn(next).try_for_each(encode)))
                .collect();
            threads.into_iter().try_for_each(|thread| {
                let panicked = |_| ParquetError::General("a column's encoder panicked".to_owned());
                thread.join().map_err(panicked)?
            })
        })
    }
}

/// Leaves the first `rows` rows; what comes behind them is returned.
fn split_off(batches: &mut Vec<RecordBatch>, rows: usize) -> Vec<RecordBatch> {
    let mut room = rows;
    for place in 0..batches.len() {
        let batch_rows = batches[place].num_rows();
        if batch_rows > room {
            let mut later = batches.split_off(place);
            if room > 0 {
                batches.push(later[0].slice(0, room));
                later[0] = later[0].slice(room, batch_rows - room);
            }
            return later;
        }
        room -= batch_rows;
    }
    Vec::new()
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
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringViewArray};
    use arrow::compute::concat_batches;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    use super::*;

    fn batch(rows: std::ops::Range<i64>) -> RecordBatch {
        let texts = rows
            .clone()
            .map(|n| (n % 7 > 0).then(|| format!("the text of row {n}")));
        let columns: [(&str, ArrayRef); 3] = [
            ("n", Arc::new(Int64Array::from_iter_values(rows.clone()))),
            (
                "half",
                Arc::new(
                    rows.clone()
                        .map(|n| (n % 2 == 0).then_some(n / 2))
                        .collect::<Int64Array>(),
                ),
            ),
            ("text", Arc::new(texts.collect::<StringViewArray>())),
        ];
        let columns = columns
            .into_iter()
            .map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    #[test]
    fn rows_are_the_same_however_they_come_and_on_however_many_threads() {
        let rounds = [
            vec![batch(0..10), batch(10..10), batch(10..275)],
            vec![batch(275..280)],
            vec![batch(280..1_000)],
        ];
        let all = batch(0..1_000);
        for threads in [1, 2, 5] {
            for (row_group_rows, row_group_bytes, groups) in [
                (100, usize::MAX, 10),
                (1 << 20, usize::MAX, 1),
                (1 << 20, 1, 3),
            ] {
                let files = FileSettings {
                    row_group_rows,
                    ..FileSettings::default()
                };
                let format = FileFormat {
                    schema: all.schema(),
                    files,
                    row_group_bytes,
                    encoder: EncoderKind::Own,
                };
                let mut file = format.begin(&rounds[0][0]).unwrap();
                for round in &rounds {
                    file.write(round, threads).unwrap();
                }
                let (bytes, rows) = file.end().unwrap();
                assert_eq!(rows, 1_000);
                let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
                let sizes = reader
                    .metadata()
                    .row_groups()
                    .iter()
                    .map(parquet::file::metadata::RowGroupMetaData::num_rows);
                assert_eq!(sizes.collect::<Vec<_>>().len(), groups);
                let read: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
                let read = concat_batches(&read[0].schema(), &read).unwrap();
                for (column, expected) in read.columns().iter().zip(all.columns()) {
                    let read = arrow::compute::cast(column, expected.data_type()).unwrap();
                    assert_eq!(&read, expected);
                }
            }
        }
    }

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
