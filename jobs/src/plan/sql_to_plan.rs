//! Plans queries and conditions from their text, and binds their parameters.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, ExprSchemable as _, LogicalPlan, cast, lit};
use datafusion::prelude::SessionContext;

use super::parameters::Parameters;
use super::type_compatibility::contract_type_name;

/// Plans a query over the tables that are registered in a session, and binds its parameters.
pub(crate) async fn plan_query(
    context: &SessionContext,
    text: &str,
    parameters: &Parameters,
) -> Result<LogicalPlan> {
    let plan = context.state().create_logical_plan(text).await?;
    // A query must not write anything, because the runner decides where its rows are written.
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)?;
    bind(plan, parameters)
}

/// Replaces the placeholders of a plan with the values of the parameters.
fn bind(plan: LogicalPlan, parameters: &Parameters) -> Result<LogicalPlan> {
    for name in plan.get_parameter_names()? {
        known(&name, parameters)?;
    }
    plan.with_param_values(parameters.values())
}

/// Checks that a placeholder `$name` refers to an existing parameter.
fn known(placeholder: &str, parameters: &Parameters) -> Result<()> {
    let name = placeholder.trim_start_matches('$');
    if parameters.get(name).is_some() {
        return Ok(());
    }
    let known = parameters
        .iter()
        .map(|(name, _)| format!("`${name}`"))
        .collect::<Vec<_>>();
    if known.is_empty() {
        return plan_err!(
            "parameter `${name}` is not available: row rules cannot use parameters, and other SQL can use only those in `[parameters]`"
        );
    }
    plan_err!(
        "there is no parameter `${name}`: choose from {}",
        known.join(", ")
    )
}

/// Plans a boolean condition over the columns of a schema, and binds its parameters.
pub(crate) fn plan_condition(
    context: &SessionContext,
    text: &str,
    schema: &DFSchema,
    parameters: &Parameters,
) -> Result<Expr> {
    let expr = context.state().create_logical_expr(text, schema)?;
    let bound = expr.transform(|part| match &part {
        Expr::Placeholder(placeholder) => {
            known(&placeholder.id, parameters)?;
            let value = parameters
                .get(placeholder.id.trim_start_matches('$'))
                .cloned();
            Ok(Transformed::yes(
                lit(value.expect("the parameter is known")),
            ))
        }
        _ => Ok(Transformed::no(part)),
    })?;
    match bound.data.get_type(schema)? {
        DataType::Boolean => Ok(bound.data),
        // NULL alone, or a parameter that is not set, is never true.
        DataType::Null => Ok(cast(bound.data, DataType::Boolean)),
        other => plan_err!(
            "the condition has the type `{}`, expected `boolean`",
            contract_type_name(&other)
        ),
    }
}
