//! Encodes one Parquet file.

use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, ArrowWriterOptions};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use crate::commit::{PartWriter, Sums};
use crate::error::{Context, ErrorKind, Result};
use crate::sink::parquet::column_writer::{ColumnWriter, EncoderKind};
use crate::sink::parquet::file_settings::{Codec, FileSettings};
use crate::sink::sums::ColumnSums;
use crate::sql::query_error;

/// The smallest size in bytes of a block that is passed to the store; S3 requires at least 5 MiB per block of a
/// multipart upload.
const BLOCK_BYTES: usize = 8 << 20;

/// The number of a file's first rows that are sampled to estimate how many distinct values a column has.
const SAMPLE_ROWS: usize = 1024;

/// The number of rows below which the estimate is too unreliable, so that every column gets a dictionary.
const LEAST_SAMPLE_ROWS: usize = 128;

/// The ratio of estimated distinct values to sampled rows above which a column gets no dictionary, since nearly every
/// row of a file would add an entry to it.
const DICTIONARY_REACH: usize = 32;

/// Settings that all files of a table share.
pub(crate) struct FileFormat {
    /// The columns that each file stores.
    pub schema: SchemaRef,
    /// Names of the columns of which each file keeps the sum.
    pub summed: Vec<String>,
    /// Codec and sizes of the files.
    pub files: FileSettings,
    /// The largest size of a row group in bytes while it is built.
    pub row_group_bytes: usize,
    /// Encoder of text and number columns.
    pub encoder: EncoderKind,
}

/// An open file: its encoder, and the part that receives its bytes.
pub(crate) struct File {
    /// The columns that the file stores.
    schema: SchemaRef,
    /// Writer of the file's structure; its buffer holds the finished bytes that [`File::block`] has not taken yet.
    parquet: SerializedFileWriter<Vec<u8>>,
    /// Creates the parquet crate's column writers for each row group.
    row_groups: ArrowRowGroupWriterFactory,
    /// The row group in progress; `None` between row groups.
    row_group: Option<RowGroup>,
    /// One item per column: `true` if the column gets no dictionary, because nearly every row would add an entry to it.
    many_valued: Vec<bool>,
    /// Encoder of text and number columns.
    encoder: EncoderKind,
    /// Codec of pages that this crate's encoder writes.
    codec: Codec,
    /// The number of rows at which a row group is finished.
    most_rows: usize,
    /// The number of bytes at which a row group is finished.
    most_bytes: usize,
    /// The number of rows written to the file.
    rows: u64,
    /// The sums of columns over the rows written to the file.
    sums: ColumnSums,
    /// The size in bytes at which the file is full.
    target_bytes: u64,
    /// The staged part that receives the file's blocks; `None` until the first block is complete.
    pub part: Option<PartWriter>,
}

/// A finished file, of which the last bytes must still be written.
pub(crate) struct EndedFile {
    /// The last bytes of the file.
    pub bytes: Bytes,
    /// The number of rows in the file.
    pub rows: u64,
    /// The sums of the columns that the table sums.
    pub sums: Sums,
}

/// A row group in progress.
struct RowGroup {
    /// Writers of the columns, in schema order.
    columns: Vec<ColumnWriter>,
    /// The number of rows encoded so far.
    rows: usize,
}

impl FileFormat {
    /// Starts a file. A sample of its first rows decides which columns get a dictionary.
    ///
    /// # Errors
    /// `Failed` for columns that Parquet cannot store.
    pub fn begin(&self, first: &RecordBatch) -> Result<File> {
        let many_valued = many_valued(first)?;
        let names = self.schema.fields().iter().map(|field| field.name());
        let many = names
            .zip(&many_valued)
            .filter_map(|(name, many)| many.then_some(name.as_str()));
        let properties = self.files.properties(many, self.row_group_bytes);
        // The file omits the Arrow schema: readers do not need it, and it would declare string views.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true);
        let begun = ArrowWriter::try_new_with_options(Vec::new(), self.schema.clone(), options);
        let (parquet, row_groups) = begun
            .and_then(ArrowWriter::into_serialized_writer)
            .context(
                ErrorKind::Failed,
                "cannot create a Parquet file with the output's columns",
            )?;
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
            sums: ColumnSums::new(&self.schema, &self.summed),
            target_bytes: self.files.target_file_bytes,
            part: None,
        })
    }
}

impl File {
    /// Encodes rows on up to `threads` threads, each of which encodes one column at a time.
    ///
    /// # Errors
    /// `Failed` if the encoder fails.
    pub fn write(&mut self, batches: &[RecordBatch], threads: usize) -> Result<()> {
        for batch in batches {
            self.sums.add(batch);
        }
        self.encode(batches, threads)
            .context(ErrorKind::Failed, "cannot encode rows as Parquet")
    }

    /// Appends rows to the row group in progress; finishes it and starts the next one whenever it is full.
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

    /// Creates the column writers of the next row group.
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

    /// Finishes the row group in progress and appends it to the file's buffer.
    fn end_row_group(&mut self) -> Result<(), ParquetError> {
        let Some(row_group) = self.row_group.take() else {
            return Ok(());
        };
        // Reserves memory once, because a growing buffer would be copied repeatedly.
        self.parquet.inner_mut().reserve(row_group.bytes());
        let mut written = self.parquet.next_row_group()?;
        for column in row_group.columns {
            column.close_into(&mut written)?;
        }
        written.close()?;
        Ok(())
    }

    /// Takes the finished bytes out of the file; returns `None` while they are fewer than [`BLOCK_BYTES`].
    pub fn block(&mut self) -> Option<Bytes> {
        // Taking the buffer is safe: the writer counts its offset separately.
        let block = self.parquet.inner_mut();
        (block.len() >= BLOCK_BYTES).then(|| std::mem::take(block).into())
    }

    /// Returns `true` once the file has reached its target size.
    pub fn is_full(&self) -> bool {
        let open = self.row_group.as_ref().map_or(0, RowGroup::bytes);
        (self.parquet.bytes_written() + open) as u64 >= self.target_bytes
    }

    /// Returns the number of bytes that the file holds in memory.
    pub fn memory_bytes(&self) -> usize {
        let columns = self.row_group.iter().flat_map(|open| &open.columns);
        let open: usize = columns.map(ColumnWriter::memory_bytes).sum();
        open + self.parquet.inner().capacity()
    }

    /// Finishes the file.
    ///
    /// # Errors
    /// `Failed` if the encoder fails.
    pub fn end(mut self) -> Result<EndedFile> {
        let bytes = self
            .end_row_group()
            .and_then(|()| self.parquet.into_inner())
            .context(ErrorKind::Failed, "cannot finish a Parquet file")?;
        Ok(EndedFile {
            bytes: bytes.into(),
            rows: self.rows,
            sums: self.sums.to_texts(),
        })
    }
}

impl RowGroup {
    /// Estimates the size in the file, in bytes, of the rows written so far.
    fn bytes(&self) -> usize {
        self.columns.iter().map(ColumnWriter::bytes).sum()
    }

    /// Appends rows to the columns; each thread takes the next column until none is left.
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
                let panicked = |_| {
                    ParquetError::General("encoding a column panicked, which is a bug".to_owned())
                };
                thread.join().map_err(panicked)?
            })
        })
    }
}

/// Truncates the batches to their first `rows` rows and returns the rest.
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

/// Returns one item per column: `true` if the sample suggests that a dictionary would cost more than it saves.
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

/// Estimates the number of distinct values in a column from a sorted sample of hashes. Chao's estimator uses the
/// numbers of values that occur once and twice in the sample.
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
    fn rows_are_the_same_for_any_batch_sizes_and_any_number_of_threads() {
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
                    summed: Vec::new(),
                    files,
                    row_group_bytes,
                    encoder: EncoderKind::Own,
                };
                let mut file = format.begin(&rounds[0][0]).unwrap();
                for round in &rounds {
                    file.write(round, threads).unwrap();
                }
                let ended = file.end().unwrap();
                assert_eq!(ended.rows, 1_000);
                let reader = ParquetRecordBatchReaderBuilder::try_new(ended.bytes).unwrap();
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
    fn the_number_of_distinct_values_is_estimated_from_a_sample() {
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
