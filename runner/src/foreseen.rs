//! A table of which only the shape and the size are known: what a plan is made over before anything is read.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Statistics, not_impl_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, StatisticsArgs,
};

/// Stands for rows that a run would read or hold.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// What a plan shows of it, such as `users, 3 files`.
    what: String,
    schema: SchemaRef,
    statistics: Statistics,
}

impl Foreseen {
    /// Rows of a schema, with as much as is known about their size.
    #[must_use]
    pub fn new(what: impl Into<String>, schema: SchemaRef, statistics: Statistics) -> Self {
        Self {
            what: what.into(),
            schema,
            statistics,
        }
    }

    /// Files of so many bytes; how many rows they hold only reading them tells.
    #[must_use]
    pub fn files(what: impl Into<String>, schema: SchemaRef, bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let statistics =
            Statistics::new_unknown(&schema).with_total_byte_size(Precision::Inexact(bytes));
        Self::new(what, schema, statistics)
    }
}

#[async_trait]
impl TableProvider for Foreseen {
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
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Arc::new(ForeseenScan {
            what: self.what.clone(),
            statistics: self.statistics.clone().project(projection),
            properties: Arc::new(properties),
        }))
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.statistics.clone())
    }
}

/// The leaf that a plan shows; nothing comes out of it.
#[derive(Debug)]
struct ForeseenScan {
    what: String,
    statistics: Statistics,
    properties: Arc<PlanProperties>,
}

impl DisplayAs for ForeseenScan {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Read: {}", self.what)
    }
}

impl ExecutionPlan for ForeseenScan {
    fn name(&self) -> &'static str {
        "Read"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(
            &Arc<dyn PhysicalExpr>,
        ) -> Result<TreeNodeRecursion, DataFusionError>,
    ) -> Result<TreeNodeRecursion, DataFusionError> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        Ok(self)
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>, DataFusionError> {
        let statistics = match args.partition() {
            Some(_) => Statistics::new_unknown(&self.schema()),
            None => self.statistics.clone(),
        };
        Ok(Arc::new(statistics))
    }

    fn execute(
        &self,
        _partition: usize,
        _context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        not_impl_err!("{} is planned, not read", self.what)
    }
}
