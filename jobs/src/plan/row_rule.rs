//! Plans row rules as expressions, which the runner evaluates over each batch.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;

use super::parameters::Parameters;
use super::sql_to_plan;
use crate::contract::{Contract, Rule};
use crate::error::Error;

/// Plans a rule over batches of the contract's schema. The expression returns a boolean per row; a row for which the
/// boolean is false or NULL breaks the rule.
///
/// # Errors
/// `Contract` if the rule is invalid, which [`Job::check`](crate::job::Job::check) reports beforehand.
pub fn rule_condition(
    context: &SessionContext,
    contract: &Contract,
    rule: &Rule,
) -> Result<Arc<dyn PhysicalExpr>, Error> {
    plan_rule(context, contract, &rule.sql).map_err(|error| {
        Error::contract(
            format!("cannot plan the SQL of row rule `{}`", rule.name),
            error,
        )
    })
}

/// Plans a rule as [`rule_condition`] does, but returns DataFusion's own error.
pub(crate) fn plan_rule(
    context: &SessionContext,
    contract: &Contract,
    sql: &str,
) -> PlanResult<Arc<dyn PhysicalExpr>> {
    let schema = DFSchema::try_from(contract.schema())?;
    let expr = sql_to_plan::plan_condition(context, sql, &schema, &Parameters::none())?;
    one_row(&expr)?;
    context.create_physical_expr(expr, &schema)
}

/// Checks that an expression needs only the row itself: no aggregate, no window function, no subquery.
fn one_row(expr: &Expr) -> PlanResult<()> {
    expr.apply(|part| match part {
        Expr::AggregateFunction(_) | Expr::WindowFunction(_) => {
            plan_err!("a row rule is evaluated for one row at a time: remove the aggregate or window function, or write a check instead")
        }
        Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) => {
            plan_err!("a row rule is evaluated for one row at a time: replace the subquery with a reference or a check")
        }
        _ => Ok(TreeNodeRecursion::Continue),
    })?;
    Ok(())
}
