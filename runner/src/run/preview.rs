//! The query plans of a run for `drivetrain plan`, made over the current inputs without reading a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::common::Statistics;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::statistics::StatisticsContext;
use datafusion::physical_plan::{ExecutionPlan, StatisticsArgs, displayable};
use drivetrain_jobs::job::Job;
use drivetrain_jobs::plan::{Parameters, output_plan, table_plan};
use serde::Serialize;

use crate::commit::TableInput;
use crate::error::Result;
use crate::run::published_table::published_table;
use crate::sql::planned_table::PlannedTable;
use crate::sql::query_error;
use crate::sql::workspace::Workspace;
use crate::store::Store;

/// The facts about an input that are known without reading its rows.
pub enum Known {
    /// Raw files: the number of files, and their total size in bytes.
    Files(u64, u64),
    /// The live parts of a table, and the store that holds them.
    Table(TableInput, Store),
    /// The input does not exist yet, or no root was given for it.
    Nothing,
}

/// The plan of the query that computes one table or output.
#[derive(Serialize)]
pub struct PlannedQuery {
    /// The name of the table or output that the query computes.
    pub computes: String,
    /// The physical plan, one node per line.
    pub plan: String,
}

/// The plans of a run's queries, and the files that they would open.
pub struct Preview {
    /// The plans in the order in which the queries run.
    pub queries: Vec<PlannedQuery>,
    /// The number and total size in bytes of the files that the queries would open, by the name of the input. Only
    /// inputs that are tables are listed. Files of partitions that a query excludes are not counted.
    pub opened: BTreeMap<String, (u64, u64)>,
}

/// Plans every query of a job over its inputs.
///
/// # Errors
/// The errors with which a run fails when it plans the same queries.
pub async fn preview(
    job: &Job,
    parameters: &Parameters,
    inputs: BTreeMap<String, Known>,
    workspace: &Workspace,
) -> Result<Preview> {
    let context = &workspace.context;
    let mut opened = BTreeMap::new();
    for input in &job.inputs {
        let schema = input.contract.schema();
        match inputs.get(&input.name) {
            Some(Known::Table(table, store)) => {
                let parts =
                    published_table(&input.name, Some(&input.contract), table, store, workspace)?;
                opened.insert(
                    parts.store_name().to_owned(),
                    (input.name.clone(), BTreeMap::new()),
                );
                context.register_table(&input.name, Arc::new(parts))
            }
            known => {
                let (files, bytes) = match known {
                    Some(Known::Files(files, bytes)) => (*files, *bytes),
                    _ => (0, 0),
                };
                let what = format!("{}, {files} files", input.name);
                let foreseen = PlannedTable::files(what, schema, bytes);
                context.register_table(&input.name, Arc::new(foreseen))
            }
        }
        .map_err(query_error)?;
    }
    let mut queries = Vec::new();
    let mut plans = Vec::new();
    for table in &job.tables {
        let plan = table_plan(context, job, table, parameters).await?;
        plans.push(hold(workspace, &table.name, &plan, &mut queries).await?);
    }
    for output in &job.outputs {
        let planned = output_plan(context, job, output, parameters).await?;
        plans.push(hold(workspace, &output.name, &planned.plan, &mut queries).await?);
    }
    for plan in &plans {
        add_opened(plan, &mut opened).map_err(query_error)?;
    }
    let opened = opened.into_values().map(|(input, files)| {
        let bytes = files.values().sum();
        (input, (files.len() as u64, bytes))
    });
    Ok(Preview {
        queries,
        opened: opened.collect(),
    })
}

/// Plans a query, and registers a placeholder of its result for the queries after it.
async fn hold(
    workspace: &Workspace,
    name: &str,
    plan: &LogicalPlan,
    queries: &mut Vec<PlannedQuery>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let state = workspace.context.state();
    let physical = state
        .create_physical_plan(plan)
        .await
        .map_err(query_error)?;
    queries.push(PlannedQuery {
        computes: name.to_owned(),
        plan: displayable(physical.as_ref()).indent(false).to_string(),
    });
    let statistics = StatisticsContext::new()
        .compute(physical.as_ref(), &StatisticsArgs::new())
        .map_or_else(
            |_| Statistics::new_unknown(&physical.schema()),
            |known| known.as_ref().clone().to_inexact(),
        );
    let held = PlannedTable::new(
        format!("{name}, computed by an earlier query"),
        physical.schema(),
        statistics,
    );
    workspace
        .context
        .register_table(name, Arc::new(held))
        .map_err(query_error)?;
    Ok(physical)
}

/// The opened files of each input. The outer key is the name of the store with the input's parts; the value is the
/// input's name, and the size in bytes of each opened file.
type FilesOpened = BTreeMap<String, (String, BTreeMap<String, u64>)>;

/// Adds the files that a plan opens to `opened`.
fn add_opened(
    plan: &Arc<dyn ExecutionPlan>,
    opened: &mut FilesOpened,
) -> Result<(), DataFusionError> {
    plan.apply(|node| {
        let scan = node
            .downcast_ref::<DataSourceExec>()
            .and_then(|scan| scan.data_source().downcast_ref::<FileScanConfig>());
        if let Some(scan) = scan
            && let Some((_, files)) = opened.get_mut(scan.object_store_url.as_str())
        {
            for file in scan.file_groups.iter().flat_map(FileGroup::files) {
                files.insert(file.object_meta.location.to_string(), file.object_meta.size);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .map(|_| ())
}
