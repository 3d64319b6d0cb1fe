//! Plans the queries of checks, so that the rows of two queries can be compared.

use datafusion::common::Column as QueryColumn;
use datafusion::common::plan_err;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{LogicalPlanBuilder, cast};
use datafusion::prelude::SessionContext;

use super::output_plan::planning_error;
use super::parameters::Parameters;
use super::sql_to_plan;
use crate::error::Error;
use crate::job::{Check, CheckKind, Job, Sql};

/// Planned queries of a check, and the condition on their rows.
#[derive(Debug)]
pub enum CheckPlan {
    /// Each plan returns one row, and the rows must be equal. Both plans have the same column names and types, so
    /// values can be compared directly: 5.00 equals 5, and NULL equals NULL.
    Equal {
        /// Plan that returns the expected row.
        expected: LogicalPlan,
        /// Plan that returns the actual row.
        got: LogicalPlan,
    },
    /// Each row that the plan returns is a violation.
    NoRows(LogicalPlan),
}

/// Plans a check over the inputs, tables and outputs that are registered in the session under their names.
///
/// # Errors
/// `Contract` if a query is invalid, which [`Job::check`](crate::job::Job::check) reports beforehand.
pub async fn check_plan(
    context: &SessionContext,
    job: &Job,
    check: &Check,
    parameters: &Parameters,
) -> Result<CheckPlan, Error> {
    let wrong =
        |sql: &Sql, error| planning_error(job, &format!("check `{}`", check.name), sql, error);
    match &check.kind {
        CheckKind::NoRows(sql) => {
            let plan = sql_to_plan::plan_query(context, &sql.text, parameters)
                .await
                .map_err(|error| wrong(sql, error))?;
            Ok(CheckPlan::NoRows(plan))
        }
        CheckKind::Equal { expected, got } => {
            let left = sql_to_plan::plan_query(context, &expected.text, parameters)
                .await
                .map_err(|error| wrong(expected, error))?;
            let right = sql_to_plan::plan_query(context, &got.text, parameters)
                .await
                .map_err(|error| wrong(got, error))?;
            let (left, right) = comparable(left, right).map_err(|error| wrong(got, error))?;
            Ok(CheckPlan::Equal {
                expected: left,
                got: right,
            })
        }
    }
}

/// Makes the rows of two plans comparable: renames the columns of `got` to those of `expected`, and casts both to types
/// in which values compare exactly.
pub(crate) fn comparable(
    expected: LogicalPlan,
    got: LogicalPlan,
) -> PlanResult<(LogicalPlan, LogicalPlan)> {
    let (left, right) = (expected.schema().clone(), got.schema().clone());
    if left.fields().len() != right.fields().len() {
        return plan_err!(
            "`expected` and `got` must return the same number of columns, but return {} and {}",
            left.fields().len(),
            right.fields().len()
        );
    }
    let mut sides = (Vec::new(), Vec::new());
    for (from, to) in left.iter().zip(right.iter()) {
        let Some(common) = comparison_coercion(from.1.data_type(), to.1.data_type()) else {
            return plan_err!(
                "column `{}` has the type `{}` in `expected`, but `{}` in `got`: cast one of the two",
                from.1.name(),
                super::type_compatibility::contract_type_name(from.1.data_type()),
                super::type_compatibility::contract_type_name(to.1.data_type())
            );
        };
        let name = from.1.name();
        sides.0.push(
            cast(
                Expr::Column(QueryColumn::from((from.0, from.1))),
                common.clone(),
            )
            .alias(name),
        );
        sides
            .1
            .push(cast(Expr::Column(QueryColumn::from((to.0, to.1))), common).alias(name));
    }
    Ok((
        LogicalPlanBuilder::from(expected)
            .project(sides.0)?
            .build()?,
        LogicalPlanBuilder::from(got).project(sides.1)?.build()?,
    ))
}
