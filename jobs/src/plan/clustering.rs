//! In which order an input is best read, so that an output comes partition by partition.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column as QueryColumn, DFSchema};
use datafusion::datasource::empty::EmptyTable;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;

use super::output_plan::{output_plan, table_plan};
use super::parameters::Parameters;
use super::session::session_context;
use crate::contract::schema_of;
use crate::error::Error;
use crate::job::{Job, Output};

/// Expressions over the columns of inputs, by input: read in the order of its values, an input gives the rows of an output
/// partition by partition, through all joins that stream it.
///
/// It is found where an output's first partition column is computed from columns of one input, row by row. Reading in any
/// other order gives the same rows.
///
/// # Errors
/// Kind `Contract`: what [`Job::check`](crate::job::Job::check) reports.
pub async fn clustering(
    job: &Job,
    parameters: &Parameters,
) -> Result<BTreeMap<String, Expr>, Error> {
    let context = session_context(Arc::new(RuntimeEnv::default()), 1);
    for input in &job.inputs {
        register(&context, &input.name, input.contract.schema());
    }
    for table in &job.tables {
        let plan = table_plan(&context, job, table, parameters).await?;
        register(
            &context,
            &table.name,
            plan.schema().as_arrow().clone().into(),
        );
    }
    let mut clustering = BTreeMap::new();
    for output in &job.outputs {
        if let Some((input, by)) = of(&context, job, output, parameters).await? {
            clustering.entry(input).or_insert(by);
        }
        register(&context, &output.name, schema_of(&output.columns));
    }
    clustering.retain(|name, _| job.inputs.iter().any(|input| input.name == *name));
    Ok(clustering)
}

async fn of(
    context: &SessionContext,
    job: &Job,
    output: &Output,
    parameters: &Parameters,
) -> Result<Option<(String, Expr)>, Error> {
    let Some(column) = output.partition_by.first() else {
        return Ok(None);
    };
    let planned = output_plan(context, job, output, parameters).await?;
    let by = Expr::Column(QueryColumn::from_name(column));
    Ok(trace(&planned.plan, &by))
}

fn register(context: &SessionContext, name: &str, schema: SchemaRef) {
    // A name that is taken is a mistake in the job, and its plans say so.
    let _ = context.register_table(name, Arc::new(EmptyTable::new(schema)));
}

/// Follows an expression over a plan's columns down to the table whose columns it reads, and only those.
fn trace(plan: &LogicalPlan, by: &Expr) -> Option<(String, Expr)> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let unqualified = replace(by, &|column| {
                Some(Expr::Column(QueryColumn::from_name(column.name())))
            })?;
            Some((scan.table_name.table().to_owned(), unqualified))
        }
        LogicalPlan::Projection(projection) => {
            let by = replace(by, &|column| {
                let index = projection.schema.maybe_index_of_column(column)?;
                let expr = projection.expr.get(index)?.clone().unalias();
                (!expr.is_volatile()).then_some(expr)
            })?;
            trace(&projection.input, &by)
        }
        LogicalPlan::Join(join) => {
            if let Some(by) = by_index(by, &join.schema, join.left.schema(), 0) {
                return trace(&join.left, &by);
            }
            let before = join.left.schema().fields().len();
            let by = by_index(by, &join.schema, join.right.schema(), before)?;
            trace(&join.right, &by)
        }
        LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Extension(_) => {
            let [input] = plan.inputs()[..] else {
                return None;
            };
            // All of these hand on their input's columns, under other qualifiers perhaps.
            if input.schema().fields().len() != plan.schema().fields().len() {
                return None;
            }
            let by = by_index(by, plan.schema(), input.schema(), 0)?;
            trace(input, &by)
        }
        _ => None,
    }
}

/// The expression over `to`, whose columns stand in `from` behind `before` others.
fn by_index(by: &Expr, from: &DFSchema, to: &DFSchema, before: usize) -> Option<Expr> {
    replace(by, &|column| {
        let index = from.maybe_index_of_column(column)?.checked_sub(before)?;
        (index < to.fields().len())
            .then(|| Expr::Column(QueryColumn::from(to.qualified_field(index))))
    })
}

/// The expression with each column replaced; `None` where one has no replacement, or where there is none at all.
fn replace(by: &Expr, with: &dyn Fn(&QueryColumn) -> Option<Expr>) -> Option<Expr> {
    let mut found = 0;
    let mut missing = false;
    let replaced = by
        .clone()
        .transform_down(|expr| {
            let Expr::Column(column) = &expr else {
                return Ok(Transformed::no(expr));
            };
            found += 1;
            // What stands in its place is over other columns: it is not looked at again.
            if let Some(other) = with(column) {
                return Ok(Transformed::new(other, true, TreeNodeRecursion::Jump));
            }
            missing = true;
            Ok(Transformed::new(expr, false, TreeNodeRecursion::Stop))
        })
        .ok()?;
    (found > 0 && !missing).then_some(replaced.data)
}
