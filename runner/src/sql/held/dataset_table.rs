//! The accepted rows of a dataset as a table that `DataFusion` queries.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Statistics};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};

use crate::sql::held::clustering::ClusteredRows;
use crate::sql::held::dataset_rows::{Group, HeldDataset};
use crate::sql::scan_exec::{ScanExec, ScanSource};

/// The number of groups that a partition reads from disk at the same time, ahead of the query.
const READ_AHEAD: usize = 2;

/// The held rows of a dataset, scanned by as many partitions as there are threads: value by value if all groups are
/// sorted, and in the order of the raw files otherwise.
#[derive(Debug)]
pub(crate) struct HeldDatasetTable {
    /// The schema of the rows before projection.
    schema: SchemaRef,
    /// Groups in the order of the raw files.
    groups: Arc<[Arc<Group>]>,
    /// The number of partitions, at least 1.
    threads: usize,
    /// The number of rows in all groups, for the planner's statistics.
    rows: u64,
    /// The size of all groups in memory, in bytes; a spilled group counts with its size before the spill.
    bytes: u64,
    /// Numbers of the values by which the groups are sorted, in the order of the values; `None` if some group is not
    /// sorted.
    values: Option<Vec<u32>>,
}

impl HeldDatasetTable {
    /// Creates a table that is scanned by `threads` partitions.
    pub(crate) fn new(held: HeldDataset, threads: usize) -> Self {
        Self {
            schema: held.schema,
            groups: held.groups.into(),
            threads: threads.max(1),
            rows: held.rows,
            bytes: held.bytes,
            values: held.values,
        }
    }
}

#[async_trait]
impl TableProvider for HeldDatasetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = match projection {
            Some(projection) => projection.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        match &self.values {
            Some(values) if !projection.is_empty() => {
                let schema = self.schema.project(&projection)?.into();
                let rows = ClusteredRows::new(
                    Arc::clone(&self.groups),
                    values.clone(),
                    (self.rows, self.bytes),
                    projection.into(),
                    self.threads,
                );
                Ok(ScanExec::plan(rows, schema, self.threads))
            }
            _ => self.in_file_order(projection),
        }
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(statistics(&self.schema, self.rows, self.bytes))
    }
}

impl HeldDatasetTable {
    /// Plans a scan in the order of the raw files.
    fn in_file_order(&self, projection: Vec<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema: SchemaRef = if projection.is_empty() {
            Schema::empty().into()
        } else {
            self.schema.project(&projection)?.into()
        };
        let share = projection.len().max(1) as u64;
        let rows = HeldDatasetScan {
            partitions: divide(&self.groups, self.rows, self.threads),
            projection: projection.into(),
            rows: self.rows,
            bytes: self.bytes * share / self.schema.fields().len().max(1) as u64,
        };
        Ok(ScanExec::plan(rows, schema, self.threads))
    }
}

/// A scan of groups in the order of the raw files.
struct HeldDatasetScan {
    /// The groups that each partition reads.
    partitions: Vec<Vec<Arc<Group>>>,
    /// Indices of the columns that are read.
    projection: Arc<[usize]>,
    /// The number of rows in all partitions, for the planner's statistics.
    rows: u64,
    /// The estimated number of bytes in the projected columns.
    bytes: u64,
}

impl ScanSource for HeldDatasetScan {
    const NAME: &'static str = "HeldScan";

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.partitions.iter().flatten();
        let on_disk = groups.filter(|group| group.is_on_disk()).count();
        write!(
            f,
            "partitions={}, rows={}, groups_on_disk={on_disk}",
            self.partitions.len(),
            self.rows
        )
    }

    fn statistics(&self, schema: &SchemaRef, partition: Option<usize>) -> Statistics {
        let Some(partition) = partition else {
            return statistics(schema, self.rows, self.bytes);
        };
        let groups = self.partitions[partition].iter();
        let rows = groups.map(|group| group.rows()).sum();
        statistics(schema, rows, self.bytes * rows / self.rows.max(1))
    }

    fn read(
        &self,
        partition: usize,
        schema: SchemaRef,
        batch_rows: usize,
    ) -> Result<SendableRecordBatchStream> {
        let groups = self.partitions.get(partition).cloned().ok_or_else(|| {
            DataFusionError::Internal(format!("partition {partition} does not exist"))
        })?;
        let projection = Arc::clone(&self.projection);
        let batches = stream::iter(groups)
            .map(move |group| load(group, Arc::clone(&projection)))
            .buffered(READ_AHEAD)
            .map_ok(move |batches| {
                let batches = batches.into_iter();
                let pieces = batches.flat_map(move |batch| pieces(batch, batch_rows));
                stream::iter(pieces.map(Ok))
            })
            .try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}

/// Loads a group. Uses a blocking thread if the group was spilled.
async fn load(group: Arc<Group>, projection: Arc<[usize]>) -> Result<Vec<RecordBatch>> {
    let failed = |error: crate::Error| DataFusionError::External(Box::new(error));
    if !group.is_on_disk() {
        return group.load(&projection).map_err(failed);
    }
    tokio::task::spawn_blocking(move || group.load(&projection))
        .await
        .map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
        .map_err(failed)
}

/// Slices a batch into pieces of at most `rows` rows.
fn pieces(batch: RecordBatch, rows: usize) -> impl Iterator<Item = RecordBatch> {
    (0..batch.num_rows())
        .step_by(rows)
        .map(move |start| batch.slice(start, rows.min(batch.num_rows() - start)))
}

/// Returns statistics with an exact number of rows, an inexact size, and no column statistics.
pub(crate) fn statistics(schema: &SchemaRef, rows: u64, bytes: u64) -> Statistics {
    let exact = |count: u64| usize::try_from(count).map_or(Precision::Absent, Precision::Exact);
    Statistics {
        num_rows: exact(rows),
        total_byte_size: exact(bytes).to_inexact(),
        column_statistics: vec![ColumnStatistics::new_unknown(); schema.fields().len()],
    }
}

/// Assigns consecutive groups to the partitions so that each has about the same number of rows.
fn divide(groups: &[Arc<Group>], rows: u64, partitions: usize) -> Vec<Vec<Arc<Group>>> {
    let mut divided = vec![Vec::new(); partitions];
    let mut before = 0;
    for group in groups {
        let partition = u128::from(before) * partitions as u128 / u128::from(rows.max(1));
        let partition = usize::try_from(partition).unwrap_or(usize::MAX);
        before += group.rows();
        divided[partition.min(partitions - 1)].push(Arc::clone(group));
    }
    divided
}
