//! Sorts the rows of a stream by partition, one block at a time.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;

use crate::error::{Context, ErrorKind, Result};
use crate::sink::partition::{PartitionNumber, Partitions};
use crate::sql::value_ids::in_stretches;

/// The approximate number of rows per sorted block: large enough that each day of a year has hundreds of rows in it,
/// small enough (tens of MB) for a small memory limit.
const BLOCK_ROWS: usize = 256 * 1024;

/// The average number of consecutive rows with the same partition above which sorting a batch does not pay. Such a
/// batch is sliced wherever the partition changes.
const LONG_STRETCH_ROWS: usize = 1024;

/// Collects the batches of one stream into blocks of rows that are grouped by partition.
pub(crate) struct Regroup {
    /// Numbering of the partitions, shared by all streams of the output.
    partitions: Arc<Mutex<Partitions>>,
    /// Batches of the current block.
    batches: Vec<RecordBatch>,
    /// Partition number of each row, per batch.
    numbers: Vec<Vec<PartitionNumber>>,
    /// The number of rows in the current block.
    rows: usize,
}

/// A block of rows, grouped by partition.
pub(crate) enum RegroupedRows {
    /// One batch with long stretches of rows of the same partition, and the range of each stretch.
    Stretches(RecordBatch, Vec<(PartitionNumber, Range<usize>)>),
    /// Batches whose rows must be reordered.
    Mixed {
        /// The batches, in the order in which they were added.
        batches: Vec<RecordBatch>,
        /// Each row as the index of its batch and its index in that batch, partition by partition. Rows of one
        /// partition keep their order.
        order: Vec<(usize, usize)>,
        /// The range of each partition in `order`.
        ranges: Vec<(PartitionNumber, Range<usize>)>,
    },
}

impl Regroup {
    /// Creates an empty collection for one of the streams that share `partitions`.
    pub fn new(partitions: Arc<Mutex<Partitions>>) -> Self {
        Self {
            partitions,
            batches: Vec::new(),
            numbers: Vec::new(),
            rows: 0,
        }
    }

    /// Adds a batch. Returns a block if the batch forms one by itself or completes the current one.
    ///
    /// # Errors
    /// `QualityGate` for a partition value that cannot be a folder name.
    pub fn push(&mut self, batch: RecordBatch) -> Result<Option<RegroupedRows>> {
        if batch.num_rows() == 0 {
            return Ok(None);
        }
        let numbers = self
            .partitions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .number(&batch)?;
        let stretches = stretches(&numbers);
        if self.rows == 0 && stretches.len() <= batch.num_rows().div_ceil(LONG_STRETCH_ROWS) + 1 {
            return Ok(Some(RegroupedRows::Stretches(batch, stretches)));
        }
        self.rows += batch.num_rows();
        self.batches.push(batch);
        self.numbers.push(numbers);
        Ok((self.rows >= BLOCK_ROWS).then(|| self.block()))
    }

    /// Returns the remaining rows as a last block, if there are any.
    pub fn finish(mut self) -> Option<RegroupedRows> {
        (self.rows > 0).then(|| self.block())
    }

    /// Ends the current block and computes the order of its rows.
    fn block(&mut self) -> RegroupedRows {
        let (order, ranges) = in_stretches(&std::mem::take(&mut self.numbers));
        self.rows = 0;
        RegroupedRows::Mixed {
            batches: std::mem::take(&mut self.batches),
            order,
            ranges,
        }
    }
}

/// Returns the stretches of consecutive rows with the same partition number.
fn stretches(numbers: &[PartitionNumber]) -> Vec<(PartitionNumber, Range<usize>)> {
    let mut start = 0;
    numbers
        .chunk_by(|a, b| a == b)
        .map(|equal| {
            let range = start..start + equal.len();
            start = range.end;
            (equal[0], range)
        })
        .collect()
}

impl RegroupedRows {
    /// Returns the number of partitions. A partition whose rows form several stretches counts once per stretch.
    pub fn partitions(&self) -> usize {
        match self {
            Self::Stretches(_, ranges) | Self::Mixed { ranges, .. } => ranges.len(),
        }
    }

    /// Returns the rows of each partition as slices of one batch, which share its memory.
    ///
    /// # Errors
    /// `Failed` if the batches differ in their schemas.
    pub fn shared(self) -> Result<Vec<(PartitionNumber, RecordBatch)>> {
        let (sorted, ranges) = match self {
            Self::Stretches(batch, ranges) => (batch, ranges),
            Self::Mixed {
                batches,
                order,
                ranges,
            } => (gather(&batches, &order)?, ranges),
        };
        Ok(ranges
            .into_iter()
            .map(|(number, range)| (number, sorted.slice(range.start, range.len())))
            .collect())
    }

    /// Returns the rows of each partition in batches that keep no row of another partition in memory.
    ///
    /// # Errors
    /// `Failed` if the batches differ in their schemas.
    pub fn owned(self) -> Result<Vec<(PartitionNumber, RecordBatch)>> {
        match self {
            Self::Stretches(batch, ranges) => match ranges.as_slice() {
                [(number, _)] => Ok(vec![(*number, batch)]),
                _ => ranges
                    .into_iter()
                    .map(|(number, range)| {
                        let rows: Vec<_> = range.map(|row| (0, row)).collect();
                        Ok((number, gather(std::slice::from_ref(&batch), &rows)?))
                    })
                    .collect(),
            },
            Self::Mixed {
                batches,
                order,
                ranges,
            } => match ranges.as_slice() {
                [(number, _)] => Ok(batches.into_iter().map(|batch| (*number, batch)).collect()),
                _ => ranges
                    .into_iter()
                    .map(|(number, range)| Ok((number, gather(&batches, &order[range])?)))
                    .collect(),
            },
        }
    }
}

/// Copies rows into one batch; each row is given as the index of its batch and its index in that batch.
fn gather(batches: &[RecordBatch], rows: &[(usize, usize)]) -> Result<RecordBatch> {
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    interleave_record_batch(&batches, rows)
        .context(ErrorKind::Failed, "cannot sort rows by partition")
}
