//! Puts the rows of a stream in the order of their partitions, a block at a time.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::compute::interleave_record_batch;

use crate::error::{Context, ErrorKind, Result};
use crate::sink::partition::{PartitionNumber, Partitions};
use crate::sql::value_ids::in_stretches;

/// Rows are put in partition order in blocks of about this many: enough that a day of a year has hundreds in each
/// block, little enough (tens of MB) for a small memory limit.
const BLOCK_ROWS: usize = 256 * 1024;

/// Rows that come partition by partition, in stretches of this many on average, are cut where the partition changes: there
/// is nothing to put in order.
const LONG_STRETCH_ROWS: usize = 1024;

/// Gathers the batches of one stream into blocks.
pub(crate) struct Regroup {
    partitions: Arc<Mutex<Partitions>>,
    batches: Vec<RecordBatch>,
    numbers: Vec<Vec<PartitionNumber>>,
    rows: usize,
}

/// Rows by their partitions.
pub(crate) enum RegroupedRows {
    /// They came so.
    Stretches(RecordBatch, Vec<(PartitionNumber, Range<usize>)>),
    /// They are to be put in order.
    Mixed {
        batches: Vec<RecordBatch>,
        /// Batch and row of each row, partition by partition; within one, as they came.
        order: Vec<(usize, usize)>,
        ranges: Vec<(PartitionNumber, Range<usize>)>,
    },
}

impl Regroup {
    /// For one of the streams that share `partitions`.
    pub fn new(partitions: Arc<Mutex<Partitions>>) -> Self {
        Self {
            partitions,
            batches: Vec::new(),
            numbers: Vec::new(),
            rows: 0,
        }
    }

    /// Takes a batch in; gives a block when there is enough for one.
    ///
    /// # Errors
    /// `QualityGate` for a partition value that no folder can hold.
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

    /// The rest.
    pub fn finish(mut self) -> Option<RegroupedRows> {
        (self.rows > 0).then(|| self.block())
    }

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

/// Where the partition changes.
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
    /// How many partitions it has rows of.
    pub fn partitions(&self) -> usize {
        match self {
            Self::Stretches(_, ranges) | Self::Mixed { ranges, .. } => ranges.len(),
        }
    }

    /// For each partition, its rows in batches that share memory with each other.
    ///
    /// # Errors
    /// `Failed`, if the batches are not of one schema.
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

    /// For each partition, its rows in a batch that keeps nothing of the others in memory.
    ///
    /// # Errors
    /// `Failed`, if the batches are not of one schema.
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

fn gather(batches: &[RecordBatch], rows: &[(usize, usize)]) -> Result<RecordBatch> {
    let batches: Vec<&RecordBatch> = batches.iter().collect();
    interleave_record_batch(&batches, rows)
        .context(ErrorKind::Failed, "cannot put rows in partition order")
}
