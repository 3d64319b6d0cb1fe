//! A table of known schema and size but without data, over which a query is planned before anything is read.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, Statistics, not_impl_err};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::sql::scan_exec::{ScanExec, ScanSource};

/// A placeholder for the rows that a run would read or hold.
#[derive(Clone, Debug)]
pub struct PlannedTable {
    /// The label that a plan shows, such as `users, 3 files`.
    what: String,
    /// The schema that the rows would have.
    schema: SchemaRef,
    /// The number and size of the rows, as far as they are known before reading.
    statistics: Statistics,
}

impl PlannedTable {
    /// Creates a table without data; `statistics` holds what is known about its size.
    #[must_use]
    pub fn new(what: impl Into<String>, schema: SchemaRef, statistics: Statistics) -> Self {
        Self {
            what: what.into(),
            schema,
            statistics,
        }
    }

    /// Creates a table of files with `bytes` bytes in total; their number of rows is unknown before they are read.
    #[must_use]
    pub fn files(what: impl Into<String>, schema: SchemaRef, bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let statistics =
            Statistics::new_unknown(&schema).with_total_byte_size(Precision::Inexact(bytes));
        Self::new(what, schema, statistics)
    }
}

#[async_trait]
impl TableProvider for PlannedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => self.schema(),
        };
        let partitions = state.config_options().execution.target_partitions;
        let rows = PlannedScan {
            what: self.what.clone(),
            statistics: self.statistics.clone().project(projection),
        };
        Ok(ScanExec::plan(rows, schema, partitions))
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.statistics.clone())
    }
}

/// The scan that a plan shows; it cannot be executed.
struct PlannedScan {
    /// The label that a plan shows, such as `users, 3 files`.
    what: String,
    /// The number and size of the projected rows, as far as they are known before reading.
    statistics: Statistics,
}

impl ScanSource for PlannedScan {
    const NAME: &'static str = "Read";

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }

    fn statistics(&self, schema: &SchemaRef, partition: Option<usize>) -> Statistics {
        match partition {
            Some(_) => Statistics::new_unknown(schema),
            None => self.statistics.clone(),
        }
    }

    fn read(
        &self,
        _partition: usize,
        _schema: SchemaRef,
        _batch_rows: usize,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        not_impl_err!(
            "{} cannot be read, because the query is only planned",
            self.what
        )
    }
}
