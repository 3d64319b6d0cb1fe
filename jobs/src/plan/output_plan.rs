//! Plans outputs and intermediate tables: the query, the filters, the exact types and the order.

use std::sync::Arc;

use datafusion::common::Column as QueryColumn;
use datafusion::common::DFSchemaRef;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::normalize_col;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, LogicalPlanBuilder, ScalarUDF, col, lit,
};
use datafusion::prelude::SessionContext;

use super::counted_filter::{CountedFilter, FilteredRows};
use super::lossless_cast::LosslessCast;
use super::parameters::{Bounds, Parameters};
use super::sql_to_plan;
use super::type_compatibility::{cast_hint, contract_type_name, is_compatible};
use crate::error::Error;
use crate::job::{Job, Output, Sql, Table};

/// Plan that computes the rows of an output, with a counter of the rows that it leaves out.
#[derive(Debug)]
pub struct OutputPlan {
    /// Logical plan whose rows have exactly the contract's schema ([`crate::contract::schema_of`] the output's
    /// columns). If the output declares an order, the rows are sorted by `partition_by`, then by `order_by`.
    pub plan: LogicalPlan,
    /// Counter of the rows that `where` and the window leave out. `None` if neither applies, or if the output has no
    /// `rows_of`, which needs the count.
    pub filtered: Option<FilteredRows>,
}

/// Plans an output over the inputs, tables and earlier outputs that are registered in the session under their names.
///
/// # Errors
/// `Contract` if the query is invalid, which [`Job::check`](crate::job::Job::check) reports beforehand.
pub async fn output_plan(
    context: &SessionContext,
    job: &Job,
    output: &Output,
    parameters: &Parameters,
) -> Result<OutputPlan, Error> {
    plan_output(context, output, parameters)
        .await
        .map_err(|error| {
            planning_error(
                job,
                &format!("output `{}`", output.name),
                &output.sql,
                error,
            )
        })
}

/// Plans an output as [`output_plan`] does, but returns DataFusion's own error.
pub(crate) async fn plan_output(
    context: &SessionContext,
    output: &Output,
    parameters: &Parameters,
) -> PlanResult<OutputPlan> {
    let plan = sql_to_plan::plan_query(context, &output.sql.text, parameters).await?;
    let (plan, filtered) = filter(context, plan, output, parameters)?;
    let plan = ordered(typed(plan, output)?, output)?;
    Ok(OutputPlan { plan, filtered })
}

/// Plans an intermediate table over the inputs and earlier tables that are registered in the session.
///
/// # Errors
/// `Contract` if the query is invalid, which [`Job::check`](crate::job::Job::check) reports beforehand.
pub async fn table_plan(
    context: &SessionContext,
    job: &Job,
    table: &Table,
    parameters: &Parameters,
) -> Result<LogicalPlan, Error> {
    sql_to_plan::plan_query(context, &table.sql.text, parameters)
        .await
        .map_err(|error| planning_error(job, &format!("table `{}`", table.name), &table.sql, error))
}

/// Builds the error about a query that cannot be planned. `what` names what the query computes, such as
/// ``output `days` ``.
pub(super) fn planning_error(
    job: &Job,
    what: &str,
    sql: &Sql,
    error: datafusion::error::DataFusionError,
) -> Error {
    Error::contract(
        format!(
            "cannot plan {what} of job `{}` (`{}`, line {})",
            job.name, sql.file, sql.line
        ),
        error,
    )
    .hint("run `drivetrain check` on the job folder to see every problem with its position")
}

/// Adds the filters of `where` and the window to a plan. Returns the plan, and the counter of left-out rows if the
/// output has `rows_of`.
fn filter(
    context: &SessionContext,
    plan: LogicalPlan,
    output: &Output,
    parameters: &Parameters,
) -> PlanResult<(LogicalPlan, Option<FilteredRows>)> {
    let mut conditions = Vec::new();
    if let Some(text) = &output.filter {
        conditions.push(sql_to_plan::plan_condition(
            context,
            text,
            plan.schema(),
            parameters,
        )?);
    }
    if let Some(Bounds { column, from, to }) = parameters.bounds(output) {
        let column = || Expr::Column(QueryColumn::from_name(&column));
        conditions.extend(from.map(|from| column().gt_eq(lit(from))));
        conditions.extend(to.map(|to| column().lt_eq(lit(to))));
    }
    let Some(condition) = conditions.into_iter().reduce(Expr::and) else {
        return Ok((plan, None));
    };
    if output.rows_of.is_none() {
        // Nothing is counted, so the optimizer may push the condition below joins and skip files by their statistics.
        return Ok((
            LogicalPlanBuilder::from(plan).filter(condition)?.build()?,
            None,
        ));
    }
    let filtered = FilteredRows::default();
    let node = CountedFilter {
        condition: normalize_col(condition, &plan)?,
        input: plan,
        filtered: filtered.clone(),
    };
    let plan = LogicalPlan::Extension(Extension {
        node: Arc::new(node),
    });
    Ok((plan, Some(filtered)))
}

/// Projects a plan to the contract's columns, in their order and with their types.
fn typed(plan: LogicalPlan, output: &Output) -> PlanResult<LogicalPlan> {
    let schema = DFSchemaRef::clone(plan.schema());
    let columns = output
        .columns
        .iter()
        .map(|column| {
            let (qualifier, field) = schema.qualified_field_with_unqualified_name(&column.name)?;
            if !is_compatible(field.data_type(), &column.kind) {
                return datafusion::common::plan_err!(
                    "column `{}` has the type `{}` in the query, but `{}` in the contract: {}",
                    column.name,
                    contract_type_name(field.data_type()),
                    column.kind,
                    cast_hint(&column.name, field.data_type(), &column.kind)
                );
            }
            let value = Expr::Column(QueryColumn::from((qualifier, field)));
            // A column that is not nullable in the plan can still be nullable in the batches. Only the cast guarantees
            // the contract's schema.
            if field.data_type() == &column.kind.arrow() && column.nullable && field.is_nullable() {
                return Ok(value.alias(&column.name));
            }
            let cast = ScalarUDF::new_from_impl(LosslessCast::new(&output.name, column));
            Ok(
                Expr::ScalarFunction(ScalarFunction::new_udf(cast.into(), vec![value]))
                    .alias(&column.name),
            )
        })
        .collect::<PlanResult<Vec<_>>>()?;
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}

/// Sorts a plan by the order that the output declares. The key, or all columns if there is no key, break ties, so that
/// the same rows always come in the same order.
fn ordered(plan: LogicalPlan, output: &Output) -> PlanResult<LogicalPlan> {
    if output.order_by.is_empty() {
        return Ok(plan);
    }
    let mut names = output
        .partition_by
        .iter()
        .map(|name| (name.as_str(), true))
        .collect::<Vec<_>>();
    names.extend(
        output
            .order_by
            .iter()
            .map(|name| match name.strip_suffix(" desc") {
                Some(name) => (name, false),
                None => (name.as_str(), true),
            }),
    );
    let rest = match &output.key {
        Some(key) => key.columns.iter().collect::<Vec<_>>(),
        None => output.columns.iter().map(|column| &column.name).collect(),
    };
    for name in rest {
        if !names.iter().any(|(known, _)| known == name) {
            names.push((name, true));
        }
    }
    let sorts = names
        .into_iter()
        .map(|(name, ascending)| col(QueryColumn::from_name(name)).sort(ascending, false));
    LogicalPlanBuilder::from(plan).sort(sorts)?.build()
}
