//! Groups held rows by a value that is computed from each row. Each block of rows is sorted by this value before it is
//! held, and a scan then reads all blocks value by value.
//!
//! A block fits the processor's caches, so that sorting it costs little; a scan then copies long stretches of rows.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch, interleave_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::{DFSchema, Statistics, internal_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionContext;
use futures::stream;

use crate::sql::held::dataset_rows::Group;
use crate::sql::held::dataset_rows::row_index;
use crate::sql::held::dataset_table::statistics;
use crate::sql::scan_exec::ScanSource;
use crate::sql::value_ids::{ValueIds, in_stretches};

/// The number of distinct values above which blocks are not sorted, because hardly any two rows of a block would have
/// the same value.
const MOST_VALUES: usize = 1 << 16;

/// The sort of blocks by a value that is computed from each row.
#[derive(Debug)]
pub(crate) struct Clustering {
    /// The expression that computes the value.
    by: Arc<dyn PhysicalExpr>,
    /// The id of each distinct value, shared by all blocks.
    ids: Mutex<ValueIds>,
}

/// The order of the rows in a sorted block.
#[derive(Debug)]
pub(crate) struct BlockOrder {
    /// The index that each row had before the sort.
    pub(crate) original: Vec<u32>,
    /// The values in the block, as ascending ids, each with the range of its rows.
    pub(crate) stretches: Vec<(u32, Range<usize>)>,
}

impl Clustering {
    /// Creates the sort by an expression over the columns of `schema`.
    ///
    /// # Errors
    /// DataFusion's error if the expression cannot be computed from these columns.
    pub(crate) fn new(by: &Expr, schema: &SchemaRef) -> Result<Self> {
        let columns = DFSchema::try_from(Arc::clone(schema))?;
        let by = SessionContext::new().create_physical_expr(by.clone(), &columns)?;
        let ids = Mutex::new(ValueIds::new(&[by.data_type(schema)?])?);
        Ok(Self { by, ids })
    }

    /// Sorts the rows of a block into one batch; returns `None` if there are too many distinct values.
    ///
    /// # Errors
    /// DataFusion's error if the expression cannot be computed for a row, such as for a date that does not exist.
    pub(crate) fn sort(
        &self,
        batches: &[RecordBatch],
    ) -> Result<Option<(RecordBatch, BlockOrder)>> {
        let mut ids = Vec::with_capacity(batches.len());
        for batch in batches {
            let values = self.by.evaluate(batch)?.into_array(batch.num_rows())?;
            let mut shared = self.lock();
            if shared.len() > MOST_VALUES {
                return Ok(None);
            }
            let batch_ids = shared.ids_of(&[values], |_| Ok(()));
            ids.push(batch_ids.map_err(|error| DataFusionError::External(Box::new(error)))?);
        }
        let (places, stretches) = in_stretches(&ids);
        let mut rows = 0;
        let mut first = Vec::with_capacity(batches.len());
        for batch in batches {
            first.push(rows);
            rows += batch.num_rows();
        }
        let original = places
            .iter()
            .map(|(batch, row)| row_index(first[*batch] + row));
        let original = original.collect();
        let batches: Vec<&RecordBatch> = batches.iter().collect();
        let sorted = interleave_record_batch(&batches, &places)?;
        Ok(Some((
            sorted,
            BlockOrder {
                original,
                stretches,
            },
        )))
    }

    /// Returns the ids of all values, sorted by value.
    pub(crate) fn values(&self) -> Vec<u32> {
        self.lock().in_order()
    }

    /// Locks the ids of the values, which all decoder threads share.
    fn lock(&self) -> std::sync::MutexGuard<'_, ValueIds> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sorted block, with the columns that a scan reads.
pub(crate) struct ClusteredBlock {
    /// All rows of the block, sorted.
    pub(crate) rows: RecordBatch,
    /// The values in the block, as ascending ids, each with the range of its rows.
    pub(crate) stretches: Vec<(u32, Range<usize>)>,
    /// `true` for each row that was not dropped, `false` for each that was; `None` if no row was dropped.
    pub(crate) kept: Option<BooleanArray>,
}

impl ClusteredBlock {
    /// Returns the rows with this value, without dropped rows; `None` if the block does not contain the value.
    fn of_value(&self, value: u32) -> Result<Option<RecordBatch>> {
        let found = self
            .stretches
            .binary_search_by_key(&value, |(value, _)| *value);
        let Ok(found) = found else {
            return Ok(None);
        };
        let range = &self.stretches[found].1;
        let rows = self.rows.slice(range.start, range.len());
        Ok(Some(match &self.kept {
            None => rows,
            Some(kept) => filter_record_batch(&rows, &kept.slice(range.start, range.len()))?,
        }))
    }
}

/// A scan that reads held rows value by value. All rows of a value come from one partition.
pub(crate) struct ClusteredRows {
    /// The groups to read, all of them sorted and in memory.
    groups: Arc<[Arc<Group>]>,
    /// For each partition, the ids of the values whose rows it streams.
    dealt: Vec<Arc<[u32]>>,
    /// Indices of the columns that are read.
    projection: Arc<[usize]>,
    /// The number of rows in all groups, for the planner's statistics.
    rows: u64,
    /// The size of the rows in memory, in bytes, for the planner's statistics.
    bytes: u64,
}

impl ClusteredRows {
    /// Creates the scan over groups that are all in memory and sorted. `values` are the ids of the values, sorted
    /// by value.
    pub(crate) fn new(
        groups: Arc<[Arc<Group>]>,
        values: Vec<u32>,
        (rows, bytes): (u64, u64),
        projection: Arc<[usize]>,
        partitions: usize,
    ) -> Self {
        Self {
            dealt: deal(&groups, values, partitions),
            groups,
            projection,
            rows,
            bytes,
        }
    }
}

/// Assigns consecutive values to the partitions so that each has about the same number of rows.
fn deal(groups: &[Arc<Group>], values: Vec<u32>, partitions: usize) -> Vec<Arc<[u32]>> {
    let mut rows_of = vec![0_usize; values.len()];
    for (value, range) in groups.iter().flat_map(|group| group.stretches()) {
        rows_of[*value as usize] += range.len();
    }
    let total: usize = rows_of.iter().sum();
    let mut dealt = vec![Vec::new(); partitions];
    let mut before = 0;
    for value in values {
        dealt[(before * partitions / total.max(1)).min(partitions - 1)].push(value);
        before += rows_of[value as usize];
    }
    dealt.into_iter().map(Into::into).collect()
}

impl ScanSource for ClusteredRows {
    const NAME: &'static str = "ClusteredScan";

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: usize = self.dealt.iter().map(|values| values.len()).sum();
        write!(f, "rows={}, values={values}", self.rows)
    }

    fn statistics(&self, schema: &SchemaRef, partition: Option<usize>) -> Statistics {
        let share = match partition {
            None => 1,
            Some(_) => self.dealt.len() as u64,
        };
        statistics(schema, self.rows / share, self.bytes / share)
    }

    fn read(
        &self,
        partition: usize,
        schema: SchemaRef,
        batch_rows: usize,
    ) -> Result<SendableRecordBatchStream> {
        let Some(values) = self.dealt.get(partition).cloned() else {
            return internal_err!("partition {partition} does not exist");
        };
        let failed = |error: crate::Error| DataFusionError::External(Box::new(error));
        let blocks = self.groups.iter();
        let blocks = blocks
            .map(|group| group.block(&self.projection).map_err(failed))
            .collect::<Result<Vec<_>>>()?;
        let batches = Stretches {
            blocks: blocks.into_iter().flatten().collect(),
            values,
            schema: Arc::clone(&schema),
            batch_rows,
            value: 0,
            block: 0,
            row: 0,
        };
        let stream = RecordBatchStreamAdapter::new(schema, stream::iter(batches));
        Ok(make_cooperative(Box::pin(stream)))
    }
}

/// The batches of one partition, built one at a time; each holds rows of a single value.
struct Stretches {
    /// Blocks to read, in the order of the raw files.
    blocks: Vec<ClusteredBlock>,
    /// Numbers of the partition's values, in the order of the values.
    values: Arc<[u32]>,
    /// Columns of the batches.
    schema: SchemaRef,
    /// The largest number of rows in a batch.
    batch_rows: usize,
    /// Index in `values` at which the next batch starts.
    value: usize,
    /// Index of the block at which the next batch starts.
    block: usize,
    /// The first row of the next batch, counted among the value's rows in that block.
    row: usize,
}

impl Stretches {
    /// Returns the next batch; `None` after the last value.
    fn batch(&mut self) -> Result<Option<RecordBatch>> {
        let mut pieces = Vec::new();
        let mut rows = 0;
        while let Some(value) = self.values.get(self.value) {
            while let Some(block) = self.blocks.get(self.block) {
                if let Some(stretch) = block.of_value(*value)? {
                    let take = (self.batch_rows - rows).min(stretch.num_rows() - self.row);
                    pieces.push(stretch.slice(self.row, take));
                    rows += take;
                    self.row += take;
                    if self.row < stretch.num_rows() {
                        return Ok(Some(concat_batches(&self.schema, &pieces)?));
                    }
                    self.row = 0;
                }
                self.block += 1;
            }
            self.block = 0;
            self.value += 1;
            if rows > 0 {
                return Ok(Some(concat_batches(&self.schema, &pieces)?));
            }
        }
        Ok(None)
    }
}

impl Iterator for Stretches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batch().transpose()
    }
}
