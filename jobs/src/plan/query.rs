//! From the text of a query to a plan with its parameters bound.

use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;

use super::parameters::Parameters;

/// Plans a query over the tables that are registered in a session.
pub(super) async fn query(
    context: &SessionContext,
    text: &str,
    parameters: &Parameters,
) -> Result<LogicalPlan> {
    let plan = context.state().create_logical_plan(text).await?;
    // A job computes rows: where they go is not for its SQL to say.
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)?;
    bind(plan, parameters)
}

pub(super) fn bind(plan: LogicalPlan, parameters: &Parameters) -> Result<LogicalPlan> {
    for name in plan.get_parameter_names()? {
        if parameters.get(name.trim_start_matches('$')).is_none() {
            let known = parameters
                .iter()
                .map(|(name, _)| format!("`${name}`"))
                .collect::<Vec<_>>();
            return match known.as_slice() {
                [] => plan_err!("there is no parameter `{name}`: the job has none"),
                _ => plan_err!(
                    "there is no parameter `{name}`: there are {}",
                    known.join(", ")
                ),
            };
        }
    }
    plan.with_param_values(parameters.values())
}

/// Parses a condition over one row of a schema.
pub(super) fn condition(context: &SessionContext, text: &str, schema: &DFSchema) -> Result<Expr> {
    context.state().create_logical_expr(text, schema)
}
