//! The filter for the `where` and the window of an output, which counts the rows that it leaves out.
//!
//! It is a node of its own in the logical and the physical plan. A counting function in the condition of DataFusion's
//! own filter would count too much: DataFusion may move the condition, copy it to the other side of a join, or evaluate
//! it on invented rows while it optimizes.

use std::cmp::Ordering as CmpOrdering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array as _, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, prep_null_mask_filter};
use datafusion::common::cast::as_boolean_array;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchemaRef, Result, plan_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt as _, future};

/// Counter of the rows that a query's filter leaves out. It is complete once the query has run to its end.
#[derive(Clone, Debug, Default)]
pub struct FilteredRows(Arc<AtomicU64>);

impl FilteredRows {
    /// Returns the number of rows left out so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds rows to the number of rows left out so far.
    fn add(&self, rows: usize) {
        let rows = u64::try_from(rows).expect("a batch's rows fit 64 bits");
        self.0.fetch_add(rows, Ordering::Relaxed);
    }

    /// Returns the address of the counted number, by which clones of one counter are recognized.
    fn address(&self) -> *const AtomicU64 {
        Arc::as_ptr(&self.0)
    }
}

/// Compares by identity: only clones of one counter are equal.
impl PartialEq for FilteredRows {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for FilteredRows {}

impl Hash for FilteredRows {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

/// Node of a logical plan that filters rows and counts those that it leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CountedFilter {
    /// Plan whose rows are filtered.
    pub(super) input: LogicalPlan,
    /// Condition over the input's columns that a row must meet to be kept.
    pub(super) condition: Expr,
    /// Counter of the rows left out, which the caller of the plan reads.
    pub(super) filtered: FilteredRows,
}

impl PartialOrd for CountedFilter {
    fn partial_cmp(&self, other: &Self) -> Option<CmpOrdering> {
        (self == other).then_some(CmpOrdering::Equal)
    }
}

impl UserDefinedLogicalNodeCore for CountedFilter {
    fn name(&self) -> &'static str {
        "CountedFilter"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        self.input.schema()
    }

    fn expressions(&self) -> Vec<Expr> {
        vec![self.condition.clone()]
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountedFilter: {}", self.condition)
    }

    fn with_exprs_and_inputs(
        &self,
        mut expressions: Vec<Expr>,
        mut inputs: Vec<LogicalPlan>,
    ) -> Result<Self> {
        let (Some(condition), Some(input)) = (expressions.pop(), inputs.pop()) else {
            return plan_err!(
                "`CountedFilter` must have one condition and one input; this is a bug"
            );
        };
        Ok(Self {
            input,
            condition,
            filtered: self.filtered.clone(),
        })
    }
}

/// Node of a physical plan that filters rows and counts those that it leaves out.
#[derive(Clone, Debug)]
pub(super) struct CountedFilterExec {
    /// Plan whose rows are filtered.
    input: Arc<dyn ExecutionPlan>,
    /// Condition over the input's columns that a row must meet to be kept.
    condition: Arc<dyn PhysicalExpr>,
    /// Counter of the rows left out, which all partitions share.
    filtered: FilteredRows,
}

impl CountedFilterExec {
    /// Builds a filter of the rows that `input` returns.
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        condition: Arc<dyn PhysicalExpr>,
        filtered: FilteredRows,
    ) -> Self {
        Self {
            input,
            condition,
            filtered,
        }
    }
}

/// Returns the rows of a batch for which the condition is true, and counts the rows for which it is false or NULL.
fn keep(
    batch: &RecordBatch,
    condition: &Arc<dyn PhysicalExpr>,
    filtered: &FilteredRows,
) -> Result<RecordBatch> {
    let kept = condition.evaluate(batch)?.into_array(batch.num_rows())?;
    let kept: &BooleanArray = as_boolean_array(&kept)?;
    let kept = if kept.null_count() > 0 {
        prep_null_mask_filter(kept)
    } else {
        kept.clone()
    };
    filtered.add(kept.len() - kept.true_count());
    Ok(filter_record_batch(batch, &kept)?)
}

impl DisplayAs for CountedFilterExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountedFilterExec: {}", self.condition)
    }
}

impl ExecutionPlan for CountedFilterExec {
    fn name(&self) -> &'static str {
        "CountedFilterExec"
    }

    /// Returns the input's properties: leaving out rows changes neither the order nor the partitions.
    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        visit(&self.condition)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = children.pop() else {
            return plan_err!("`CountedFilterExec` must have one input; this is a bug");
        };
        Ok(Arc::new(Self {
            input,
            ..Self::clone(&self)
        }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let (condition, filtered) = (Arc::clone(&self.condition), self.filtered.clone());
        let kept = input.map(move |batch| keep(&batch?, &condition, &filtered));
        let kept = kept.filter(|batch| {
            future::ready(batch.as_ref().map_or(true, |batch| batch.num_rows() > 0))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), kept)))
    }
}
