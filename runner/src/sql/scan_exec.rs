//! The leaf of a query plan that reads rows from a table of this crate.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::Statistics;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, StatisticsArgs,
};

/// A source of rows, which [`ScanExec`] makes the leaf of a query plan.
pub trait ScanSource: Send + Sync + 'static {
    /// The name of the scan in a plan.
    const NAME: &'static str;

    /// Writes the details that a plan shows after the name and a colon.
    ///
    /// # Errors
    /// The error of the formatter.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// Returns the statistics of one partition, or of all rows for `None`.
    fn statistics(&self, schema: &SchemaRef, partition: Option<usize>) -> Statistics;

    /// Reads one partition in batches of at most `batch_rows` rows.
    ///
    /// # Errors
    /// DataFusion's error if the rows cannot be read.
    fn read(
        &self,
        partition: usize,
        schema: SchemaRef,
        batch_rows: usize,
    ) -> Result<SendableRecordBatchStream>;
}

/// A leaf of an execution plan, which reads the rows of a [`ScanSource`].
pub struct ScanExec<R> {
    /// The source of the rows, which reads one partition at a time.
    rows: R,
    /// The schema, the partitioning and other properties that the planner reads.
    properties: Arc<PlanProperties>,
}

impl<R: ScanSource> ScanExec<R> {
    /// Creates a plan over rows in `partitions` partitions of unspecified order.
    pub fn plan(rows: R, schema: SchemaRef, partitions: usize) -> Arc<dyn ExecutionPlan> {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Arc::new(Self {
            rows,
            properties: Arc::new(properties),
        })
    }
}

impl<R: ScanSource> fmt::Debug for ScanExec<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", R::NAME)?;
        self.rows.describe(f)
    }
}

impl<R: ScanSource> DisplayAs for ScanExec<R> {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl<R: ScanSource> ExecutionPlan for ScanExec<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::new(
            self.rows.statistics(&self.schema(), args.partition()),
        ))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let batch_rows = context.session_config().batch_size();
        self.rows.read(partition, self.schema(), batch_rows)
    }
}
