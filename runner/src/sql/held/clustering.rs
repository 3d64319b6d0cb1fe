//! Rows of equal value side by side: each block is put in the order of a value when it is held, and the blocks are read
//! value by value.
//!
//! A block fits the processor's caches, so that putting it in order costs little; reading then copies long stretches.

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

use crate::sql::held::raw_batches::Group;
use crate::sql::held::raw_batches::row_index;
use crate::sql::held::raw_table::statistics;
use crate::sql::scan_exec::ScanSource;
use crate::sql::value_ids::{ValueNumbers, in_stretches};

/// With more different values than this rows are left as they lie: hardly two would come together.
const MOST_VALUES: usize = 1 << 16;

/// Puts blocks in the order of a value that is computed from each row.
#[derive(Debug)]
pub(crate) struct Clustering {
    by: Arc<dyn PhysicalExpr>,
    numbers: Mutex<ValueNumbers>,
}

/// How the rows of a block were put in order.
#[derive(Debug)]
pub(crate) struct BlockOrder {
    /// The place that each row had.
    pub(crate) original: Vec<u32>,
    /// The values that occur and where their rows are.
    pub(crate) stretches: Vec<(u32, Range<usize>)>,
}

impl Clustering {
    /// By an expression over the columns of `schema`.
    ///
    /// # Errors
    /// Where it cannot be computed from them.
    pub(crate) fn new(by: &Expr, schema: &SchemaRef) -> Result<Self> {
        let columns = DFSchema::try_from(Arc::clone(schema))?;
        let by = SessionContext::new().create_physical_expr(by.clone(), &columns)?;
        let numbers = Mutex::new(ValueNumbers::new(&[by.data_type(schema)?])?);
        Ok(Self { by, numbers })
    }

    /// The rows of a block in order, in one batch; `None` where they are better left as they lie.
    ///
    /// # Errors
    /// Where the expression cannot be computed, as for a date that does not exist.
    pub(crate) fn sort(
        &self,
        batches: &[RecordBatch],
    ) -> Result<Option<(RecordBatch, BlockOrder)>> {
        let mut numbers = Vec::with_capacity(batches.len());
        for batch in batches {
            let values = self.by.evaluate(batch)?.into_array(batch.num_rows())?;
            let mut shared = self.lock();
            if shared.len() > MOST_VALUES {
                return Ok(None);
            }
            let batch_numbers = shared.number(&[values], |_| Ok(()));
            numbers
                .push(batch_numbers.map_err(|error| DataFusionError::External(Box::new(error)))?);
        }
        let (places, stretches) = in_stretches(&numbers);
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

    /// The numbers of all values, in the order of the values.
    pub(crate) fn values(&self) -> Vec<u32> {
        self.lock().in_order()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ValueNumbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A block as it is read: its rows, where each value's are, and which of them are not left out.
pub(crate) struct ClusteredBlock {
    pub(crate) rows: RecordBatch,
    pub(crate) stretches: Vec<(u32, Range<usize>)>,
    pub(crate) kept: Option<BooleanArray>,
}

impl ClusteredBlock {
    /// The rows of a value that are not left out.
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

/// Held rows value by value; each value's rows come from one partition.
pub(crate) struct ClusteredRows {
    groups: Arc<[Arc<Group>]>,
    /// For each partition, the values whose rows it streams.
    dealt: Vec<Arc<[u32]>>,
    projection: Arc<[usize]>,
    rows: u64,
    bytes: u64,
}

impl ClusteredRows {
    /// Over groups that are all in memory and in order; `values` are the numbers of values in the order of the values.
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

/// Gives each partition about as many rows, in values that follow one another.
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

/// The batches of one partition, none of which holds rows of two values.
struct Stretches {
    blocks: Vec<ClusteredBlock>,
    values: Arc<[u32]>,
    schema: SchemaRef,
    batch_rows: usize,
    /// Where to go on: the number among the values, the block, and the row of its stretch.
    value: usize,
    block: usize,
    row: usize,
}

impl Stretches {
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
