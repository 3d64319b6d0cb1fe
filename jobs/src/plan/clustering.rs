//! Finds the order in which to read an input, so that an output is produced partition by partition.

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

/// Returns a map from names of inputs to expressions over their columns. An expression computes the first partition
/// column of an output from a row of the input. If the input is read in the order of the expression's values, the rows
/// of the output are produced partition by partition, even through joins that stream the input.
///
/// The map contains an input only if its columns alone determine the first partition column of an output, row by row.
/// Reading the input in any other order gives the same rows.
///
/// # Errors
/// `Contract` if a query is invalid, which [`Job::check`](crate::job::Job::check) reports beforehand.
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
        if let Some((input, by)) = output_clustering(&context, job, output, parameters).await? {
            clustering.entry(input).or_insert(by);
        }
        register(&context, &output.name, schema_of(&output.columns));
    }
    clustering.retain(|name, _| job.inputs.iter().any(|input| input.name == *name));
    Ok(clustering)
}

/// Returns the name of the table that determines the first partition column of an output, and the expression over the
/// table's columns that computes it. Returns `None` if the output has no partition columns, or if no single table
/// determines the first of them row by row.
async fn output_clustering(
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

/// Registers an empty table, so that queries over it can be planned.
fn register(context: &SessionContext, name: &str, schema: SchemaRef) {
    // A duplicate name is a mistake in the job, which `Job::parse` reports.
    let _ = context.register_table(name, Arc::new(EmptyTable::new(schema)));
}

/// Rewrites an expression over a plan's columns as an expression over the columns of the table that the values come
/// from. Returns the table's name and that expression; `None` if the values come from several tables or are not
/// computed row by row.
fn trace(plan: &LogicalPlan, by: &Expr) -> Option<(String, Expr)> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let unqualified = replace_columns(by, &|column| {
                Some(Expr::Column(QueryColumn::from_name(column.name())))
            })?;
            Some((scan.table_name.table().to_owned(), unqualified))
        }
        LogicalPlan::Projection(projection) => {
            let by = replace_columns(by, &|column| {
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
            // All of these nodes return their input's columns, possibly under other qualifiers.
            if input.schema().fields().len() != plan.schema().fields().len() {
                return None;
            }
            let by = by_index(by, plan.schema(), input.schema(), 0)?;
            trace(input, &by)
        }
        _ => None,
    }
}

/// Rewrites an expression over the columns of `from` as an expression over the columns of `to`. Column `before + i` of
/// `from` is column `i` of `to`. Returns `None` if the expression uses a column that `to` does not have.
fn by_index(by: &Expr, from: &DFSchema, to: &DFSchema, before: usize) -> Option<Expr> {
    replace_columns(by, &|column| {
        let index = from.maybe_index_of_column(column)?.checked_sub(before)?;
        (index < to.fields().len())
            .then(|| Expr::Column(QueryColumn::from(to.qualified_field(index))))
    })
}

/// Replaces each column of an expression. Returns `None` if a column has no replacement, or if there is no column.
fn replace_columns(by: &Expr, with: &dyn Fn(&QueryColumn) -> Option<Expr>) -> Option<Expr> {
    let mut found = 0;
    let mut missing = false;
    let replaced = by
        .clone()
        .transform_down(|expr| {
            let Expr::Column(column) = &expr else {
                return Ok(Transformed::no(expr));
            };
            found += 1;
            // The replacement is not visited, because its columns are those of another plan.
            if let Some(other) = with(column) {
                return Ok(Transformed::new(other, true, TreeNodeRecursion::Jump));
            }
            missing = true;
            Ok(Transformed::new(expr, false, TreeNodeRecursion::Stop))
        })
        .ok()?;
    (found > 0 && !missing).then_some(replaced.data)
}
