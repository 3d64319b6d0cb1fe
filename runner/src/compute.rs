//! Runs a job's queries: each table and output is computed once, held, and visible by name to what comes after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::execute_stream_partitioned;
use drivetrain_jobs::contract::schema_of;
use drivetrain_jobs::job::{Job, Output};
use drivetrain_jobs::plan::{Parameters, output_plan, table_plan};

use tracing::warn;

use crate::bad_value;
use crate::error::{Error, ErrorKind, Result};
use crate::hold::{Held, HeldTable};
use crate::job_error::job_error;
use crate::progress::Progress;
use crate::sink::collect::{Collected, collect, query_error};
use crate::sink::partition::Partitions;
use crate::workspace::Workspace;

/// One output, computed.
pub struct Computed {
    /// Its rows by partition.
    pub collected: Collected,
    /// Rows that its `where` and window left out.
    pub filtered_rows: u64,
    /// Rows for which a warning column is true, by column.
    pub warnings: BTreeMap<String, u64>,
}

/// Computes all tables and outputs of a job, in order; returns the outputs.
///
/// # Errors
/// What a query fails with; `QualityGate` for an output that does not have one row for each row that it promises.
pub async fn compute(
    job: &Job,
    parameters: &Parameters,
    accepted_rows: &BTreeMap<String, u64>,
    workspace: &Workspace,
    progress: &Progress,
) -> Result<Vec<Computed>> {
    for table in &job.tables {
        let plan = table_plan(&workspace.context, job, table, parameters)
            .await
            .map_err(job_error)?;
        let partitions = Partitions::new(&table.name, Vec::new(), &[])?;
        let collected = execute(&table.name, &plan, partitions, workspace, progress)
            .await
            .map_err(|error| {
                bad_value::placed(error, job, &format!("table `{}`", table.name), &plan)
            })?;
        register(workspace, &table.name, collected.held)?;
    }
    let mut computed = Vec::with_capacity(job.outputs.len());
    for output in &job.outputs {
        let done = match compute_output(job, output, parameters, workspace, progress).await {
            Err(error) if is_join_memory(&error) => {
                // Hash joins do not spill; sorting both sides does, and gives the same rows.
                warn!(
                    output = output.name,
                    "a table to be joined does not fit into memory: joining by sorting"
                );
                workspace.join_by_sorting();
                compute_output(job, output, parameters, workspace, progress).await?
            }
            result => result?,
        };
        require_one_row_each(output, &done, accepted_rows)?;
        register(workspace, &output.name, Arc::clone(&done.collected.held))?;
        computed.push(done);
    }
    Ok(computed)
}

async fn compute_output(
    job: &Job,
    output: &Output,
    parameters: &Parameters,
    workspace: &Workspace,
    progress: &Progress,
) -> Result<Computed> {
    let planned = output_plan(&workspace.context, job, output, parameters)
        .await
        .map_err(job_error)?;
    let collected = execute(
        &output.name,
        &planned.plan,
        partitions(output)?,
        workspace,
        progress,
    )
    .await
    .map_err(|error| {
        let what = format!("output `{}`", output.name);
        bad_value::placed(error, job, &what, &planned.plan)
    })?;
    let filtered_rows = planned.filtered.map_or(0, |filtered| filtered.rows());
    let warnings = warnings(output, &collected.held).await?;
    Ok(Computed {
        collected,
        filtered_rows,
        warnings,
    })
}

/// Whether a query failed because the side of a join that is held whole found no memory.
fn is_join_memory(error: &Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if cause.to_string().contains("Failed to allocate")
            && cause.to_string().contains("for HashJoinInput")
        {
            return true;
        }
        next = cause.source();
    }
    false
}

async fn execute(
    name: &str,
    plan: &LogicalPlan,
    partitions: Partitions,
    workspace: &Workspace,
    progress: &Progress,
) -> Result<Collected> {
    let state = workspace.context.state();
    let physical = state
        .create_physical_plan(plan)
        .await
        .map_err(query_error)?;
    let schema = physical.schema();
    let streams =
        execute_stream_partitioned(physical, workspace.context.task_ctx()).map_err(query_error)?;
    collect(
        name,
        schema,
        streams,
        partitions,
        &workspace.holding,
        progress,
    )
    .await
}

fn register(workspace: &Workspace, name: &str, held: Arc<Held>) -> Result<()> {
    workspace
        .context
        .register_table(name, Arc::new(HeldTable::new(held)))
        .map(|_| ())
        .map_err(query_error)
}

fn partitions(output: &Output) -> Result<Partitions> {
    let schema = schema_of(&output.columns);
    let columns: Vec<(usize, String)> = output
        .partition_by
        .iter()
        .map(|name| {
            let index = schema
                .index_of(name)
                .expect("a checked job partitions by its own columns");
            (index, name.clone())
        })
        .collect();
    let types: Vec<DataType> = columns
        .iter()
        .map(|(index, _)| schema.field(*index).data_type().clone())
        .collect();
    Partitions::new(&output.name, columns, &types)
}

/// Counts what the output's warning columns say.
async fn warnings(output: &Output, held: &Arc<Held>) -> Result<BTreeMap<String, u64>> {
    if output.warnings.is_empty() {
        return Ok(BTreeMap::new());
    }
    let schema = held.schema();
    let columns: Vec<(String, usize)> = output
        .warnings
        .iter()
        .filter_map(|name| Some((name.clone(), schema.index_of(name).ok()?)))
        .collect();
    let held = Arc::clone(held);
    tokio::task::spawn_blocking(move || {
        let indexes: Vec<usize> = columns.iter().map(|(_, index)| *index).collect();
        let counts = held.count_true(&indexes)?;
        Ok(columns
            .into_iter()
            .map(|(name, _)| name)
            .zip(counts)
            .collect())
    })
    .await
    .map_err(|error| {
        Error::new(ErrorKind::Failed, "counting stopped").caused_by(std::io::Error::other(error))
    })?
    .map_err(query_error)
}

/// For an output declared one row for each input row: accepted = out + filtered, each of them counted by itself.
fn require_one_row_each(
    output: &Output,
    computed: &Computed,
    accepted_rows: &BTreeMap<String, u64>,
) -> Result<()> {
    let Some(input) = &output.rows_of else {
        return Ok(());
    };
    let Some(&accepted) = accepted_rows.get(input) else {
        return Ok(());
    };
    let rows = computed.collected.held.rows() as u64;
    let filtered = computed.filtered_rows;
    if rows + filtered == accepted {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::QualityGate,
        format!(
            "output `{}` is declared one row for each row of `{input}`: expected {accepted}, got {rows} and {filtered} \
             left out by its `where` or window",
            output.name
        ),
    )
    .hint("its SQL drops or doubles rows: a join to a table whose key is not unique, or an inner join"))
}
