//! Runs a job's queries: each table and output is computed once, and later queries read it by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::common::spawn_buffered;
use datafusion::physical_plan::execute_stream_partitioned;
use drivetrain_jobs::contract::schema_of;
use drivetrain_jobs::job::{Job, Output};
use drivetrain_jobs::plan::{JoinOutOfMemory, Parameters, output_plan, table_plan};

use tracing::warn;

use crate::commit::Stager;
use crate::error::{Error, ErrorKind, Result};
use crate::run::outputs;
use crate::run::request::RunInProgress;
use crate::run::settings::Shape;
use crate::sink::collect::{CollectSpec, Collected, DirectWrite, collect};
use crate::sink::partition::Partitions;
use crate::sql::bad_value;
use crate::sql::held::results::{HeldResults, HeldResultsTable};
use crate::sql::query_error;
use crate::sql::workspace::Workspace;
use crate::watch::Progress;

/// The number of batches that a merge may compute ahead of its consumer.
const MERGED_AHEAD: usize = 2;

/// The result of computing one output: its rows, and the number of rows that its `where` and window left out.
pub struct Computed {
    /// The rows grouped by partition, held or already in files.
    pub collected: Collected,
    /// The number of rows that the output's `where` and window left out.
    pub filtered_rows: u64,
}

/// The destination of computed rows: files, or held rows if later queries or checks read them.
pub struct Destination<'a> {
    /// The handle that opens parts of the outputs.
    pub stager: Stager,
    /// The settings that change the result; those of the Parquet files are used here.
    pub shape: &'a Shape,
    /// Names of the outputs that later queries or checks read. Their rows are held until the checks have passed.
    pub kept: BTreeSet<String>,
}

/// Computes all tables and outputs of a job, in order; returns the outputs.
///
/// # Errors
/// `QualityGate` for an output that must have one row per row of an input and has more or fewer; otherwise the error of
/// a query.
pub async fn compute(
    run: &RunInProgress<'_>,
    accepted_rows: &BTreeMap<String, u64>,
    workspace: &Workspace,
    destination: &Destination<'_>,
    progress: &Progress,
) -> Result<Vec<Computed>> {
    let (job, parameters) = (run.job(), &run.parameters);
    let computing = Computing {
        parameters,
        workspace,
        destination,
        progress,
    };
    for table in &job.tables {
        let plan = table_plan(&workspace.context, job, table, parameters).await?;
        let partitions = Partitions::new(&table.name, Vec::new(), &[])?;
        let spec = CollectSpec {
            name: table.name.clone(),
            counted: Vec::new(),
            key: Vec::new(),
            direct: None,
        };
        let collected = computing
            .execute(spec, &plan, partitions)
            .await
            .map_err(|error| {
                bad_value::placed(error, job, &format!("table `{}`", table.name), &plan)
            })?;
        register(workspace, &table.name, collected.held)?;
    }
    let mut computed = Vec::with_capacity(job.outputs.len());
    for output in &job.outputs {
        let mut direct = goes_direct(output) && !destination.kept.contains(&output.name);
        let mut done = computing.output(job, output, direct).await?;
        if direct && !done.collected.keys_differ {
            // Equal key hashes do not prove a duplicate. The rows are held this time, so that `check` can query their
            // keys.
            direct = false;
            done = computing.output(job, output, direct).await?;
        }
        require_one_row_each(output, &done, accepted_rows)?;
        if !direct {
            register(workspace, &output.name, Arc::clone(&done.collected.held))?;
        }
        computed.push(done);
    }
    Ok(computed)
}

/// Returns `true` if the rows of an output may be written to files while its query runs.
///
/// The rows of an output without partitions are held first, because all streams would wait for one file. Sorted rows
/// are held too, because a single stream delivers them. Several threads then write the held rows.
fn goes_direct(output: &Output) -> bool {
    !output.partition_by.is_empty() && output.order_by.is_empty()
}

/// The values that every query of a run needs.
struct Computing<'a> {
    /// The parameters of the run, which queries refer to.
    parameters: &'a Parameters,
    /// The SQL session, with the memory and disk that its queries share.
    workspace: &'a Workspace,
    /// The files or held rows that receive computed rows.
    destination: &'a Destination<'a>,
    /// The row counters of the stage, which the progress display reads.
    progress: &'a Progress,
}

impl Computing<'_> {
    /// Computes an output. If a hash join runs out of memory, computes the output again with sort-merge joins.
    async fn output(&self, job: &Job, output: &Output, direct: bool) -> Result<Computed> {
        match self.output_once(job, output, direct).await {
            Err(error) if JoinOutOfMemory::is_cause_of(&error) => {
                // Hash joins cannot spill; sorting both sides can, and gives the same rows.
                warn!(
                    output = output.name,
                    "one side of a join does not fit into memory: joining by sorting"
                );
                self.workspace.join_by_sorting();
                self.output_once(job, output, direct).await
            }
            result => result,
        }
    }

    /// Computes an output once, with hash joins or sort-merge joins as the session is now set.
    async fn output_once(&self, job: &Job, output: &Output, direct: bool) -> Result<Computed> {
        let planned = output_plan(&self.workspace.context, job, output, self.parameters).await?;
        let schema = schema_of(&output.columns);
        let place = |name: &String| schema.index_of(name).ok();
        let counted = output.warnings.iter();
        let spec = CollectSpec {
            name: output.name.clone(),
            counted: counted
                .filter_map(|name| Some((name.clone(), place(name)?)))
                .collect(),
            key: output
                .key
                .iter()
                .flat_map(|key| key.columns.iter().filter_map(place))
                .collect(),
            direct: direct.then(|| DirectWrite {
                stager: self.destination.stager.clone(),
                table: outputs::table(output, self.destination.shape, self.workspace),
            }),
        };
        let collected = self
            .execute(spec, &planned.plan, partitions(output)?)
            .await
            .map_err(|error| {
                let what = format!("output `{}`", output.name);
                bad_value::placed(error, job, &what, &planned.plan)
            })?;
        Ok(Computed {
            collected,
            filtered_rows: planned.filtered.map_or(0, |filtered| filtered.rows()),
        })
    }

    /// Runs a plan and collects its rows by partition.
    async fn execute(
        &self,
        spec: CollectSpec,
        plan: &LogicalPlan,
        partitions: Partitions,
    ) -> Result<Collected> {
        let context = &self.workspace.context;
        let physical = context
            .state()
            .create_physical_plan(plan)
            .await
            .map_err(query_error)?;
        let schema = physical.schema();
        let mut streams =
            execute_stream_partitioned(physical, context.task_ctx()).map_err(query_error)?;
        if let [_] = streams.as_slice() {
            // A single stream merges sorted rows, so a task of its own runs the merge beside the consumer.
            streams = streams
                .into_iter()
                .map(|stream| spawn_buffered(stream, MERGED_AHEAD))
                .collect();
        }
        let holding = &self.workspace.holding;
        collect(spec, schema, streams, partitions, holding, self.progress).await
    }
}

/// Registers held rows in the session, so that later queries read them by name.
fn register(workspace: &Workspace, name: &str, held: Arc<HeldResults>) -> Result<()> {
    workspace
        .context
        .register_table(name, Arc::new(HeldResultsTable::new(held)))
        .map(|_| ())
        .map_err(query_error)
}

/// Builds the rule that assigns rows of an output to its partitions.
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

/// Checks that an output with `rows_of` has one row per accepted row of that input. The accepted rows must be as many
/// as the written plus the filtered rows, which are counted independently.
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
    let rows = computed.collected.rows;
    let filtered = computed.filtered_rows;
    if rows + filtered == accepted {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::QualityGate,
        format!(
            "output `{}` must have one row per accepted row of `{input}`: expected {accepted} rows, got {rows} written and \
             {filtered} left out by its `where` or window",
            output.name
        ),
    )
    .hint("the output's SQL drops or duplicates rows: look for an inner join, or a join to a table whose key is not unique"))
}
