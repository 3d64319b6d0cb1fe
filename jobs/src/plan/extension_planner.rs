//! The query planner that turns the logical node [`CountedFilter`] into the physical node [`CountedFilterExec`].

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result};
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use super::counted_filter::{CountedFilter, CountedFilterExec};

/// DataFusion's query planner, extended so that it can plan [`CountedFilter`] nodes.
#[derive(Debug)]
pub(super) struct ExtensionQueryPlanner;

#[async_trait]
impl QueryPlanner for ExtensionQueryPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(Self)])
            .create_physical_plan(plan, session)
            .await
    }
}

#[async_trait]
impl ExtensionPlanner for ExtensionQueryPlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        planning: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(filter) = node.as_any().downcast_ref::<CountedFilter>() else {
            return Ok(None);
        };
        let [input] = inputs else {
            return datafusion::common::plan_err!(
                "`CountedFilter` must have one input; this is a bug"
            );
        };
        let schema: &DFSchema = filter.input.schema();
        let condition =
            planner.create_physical_expr(&filter.condition, schema, session, planning)?;
        Ok(Some(Arc::new(CountedFilterExec::new(
            Arc::clone(input),
            condition,
            filter.filtered.clone(),
        ))))
    }
}
