//! Finds the outputs that are read again after they are computed.

use std::collections::BTreeSet;

use datafusion::error::Result as PlanResult;
use datafusion::prelude::SessionContext;

use super::output_plan::planning_error;
use crate::error::Error;
use crate::job::{CheckKind, Job, Sql};

/// Returns the names of outputs whose rows are read again: by a later output, by a check that is enabled or in
/// `asked_for`, or to check a reference. The rows of all other outputs can be written to files as they are computed.
///
/// # Errors
/// `Contract` if a query cannot be parsed, which [`Job::check`](crate::job::Job::check) reports beforehand.
pub fn reread_outputs(
    context: &SessionContext,
    job: &Job,
    asked_for: &[String],
) -> Result<BTreeSet<String>, Error> {
    let mut read = BTreeSet::new();
    let mut add = |what: &str, sql: &Sql| {
        let names =
            names_in(context, &sql.text).map_err(|error| planning_error(job, what, sql, error))?;
        read.extend(names);
        Ok(())
    };
    for output in &job.outputs {
        add(&format!("output `{}`", output.name), &output.sql)?;
    }
    for check in &job.checks {
        if !check.enabled && !asked_for.contains(&check.name) {
            continue;
        }
        let what = format!("check `{}`", check.name);
        match &check.kind {
            CheckKind::Equal { expected, got } => {
                add(&what, expected)?;
                add(&what, got)?;
            }
            CheckKind::NoRows(sql) => add(&what, sql)?,
        }
    }
    for output in &job.outputs {
        for reference in &output.references {
            read.insert(output.name.clone());
            read.insert(reference.dataset.clone());
        }
    }
    read.retain(|name| job.outputs.iter().any(|output| output.name == *name));
    Ok(read)
}

/// Returns the names of the tables that a query reads, without tables that the query itself defines in `with`.
fn names_in(context: &SessionContext, text: &str) -> PlanResult<Vec<String>> {
    let state = context.state();
    let dialect = state.config_options().sql_parser.dialect;
    let statement = state.sql_to_statement(text, &dialect)?;
    let references = state.resolve_table_references(&statement)?;
    Ok(references
        .into_iter()
        .map(|reference| reference.table().to_owned())
        .collect())
}
