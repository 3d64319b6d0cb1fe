//! `drivetrain plan`: what a run would read, write and replace; writes nothing.

use std::sync::Arc;

use datafusion::datasource::empty::EmptyTable;
use datafusion::physical_plan::displayable;
use drivetrain_jobs::job::{InputOrigin, Job};
use drivetrain_jobs::plan::{Parameters, output_plan, table_plan};
use serde::Serialize;

use crate::cli::RunArgs;
use crate::commands::print_json;
use crate::commit::{self, Log, Replaces};
use crate::display::{grouped, size};
use crate::error::Result;
use crate::job_error::job_error;
use crate::job_folder::JobFolder;
use crate::outputs;
use crate::settings::RunSettings;
use crate::sink::collect::query_error;
use crate::store::{FrozenObject, S3Settings, Store};
use crate::stores::RAW;
use crate::workspace::Workspace;

/// Lists inputs and outputs and plans every query over empty inputs.
///
/// # Errors
/// As a run's start.
pub async fn plan(args: &RunArgs, json: bool) -> Result<()> {
    let settings = RunSettings::resolve(args)?;
    let job = JobFolder::read(&args.job).await?.job()?;
    let given: Vec<_> = settings.parameters.iter().collect();
    let parameters = Parameters::bind(&job, &given).map_err(job_error)?;
    let planned = Planned {
        job: job.name.clone(),
        reads: reads(&job, &settings).await?,
        writes: writes(&job, &settings, &parameters).await?,
        queries: queries(&job, &settings, &parameters).await?,
    };
    if json {
        return print_json(&planned);
    }
    print!("{}", text(&planned));
    Ok(())
}

#[derive(Serialize)]
struct Planned {
    job: String,
    reads: Vec<Reads>,
    writes: Vec<Writes>,
    queries: Vec<Query>,
}

#[derive(Serialize)]
struct Reads {
    input: String,
    from: String,
    files: u64,
    bytes: u64,
    rows: Option<u64>,
}

#[derive(Serialize)]
struct Writes {
    table: String,
    to: String,
    replaces: Replaces,
    replaced_files: u64,
    replaced_rows: u64,
}

#[derive(Serialize)]
struct Query {
    computes: String,
    plan: String,
}

async fn reads(job: &Job, settings: &RunSettings) -> Result<Vec<Reads>> {
    let s3 = S3Settings::default();
    let mut reads = Vec::new();
    for input in &job.inputs {
        let name = input.name.clone();
        reads.push(match (&input.origin, &settings.input) {
            (InputOrigin::Raw(folder), Some(location)) => {
                let store = Store::open(location, &s3).await?;
                let objects = commit::list_input(&store, &format!("{RAW}/{folder}")).await?;
                let from = location.join(&format!("{RAW}/{folder}"))?.to_string();
                Reads {
                    input: name,
                    from,
                    files: objects.len() as u64,
                    bytes: bytes(&objects),
                    rows: None,
                }
            }
            (InputOrigin::Raw(folder), None) => Reads {
                input: name,
                from: format!("<input>/{RAW}/{folder}"),
                files: 0,
                bytes: 0,
                rows: None,
            },
            (InputOrigin::Table { job, table }, _) => {
                let store = Store::open(&settings.output, &s3).await?;
                let log = Log::read(&store, job).await?;
                let found = log.state().table(table);
                let from = settings.output.join(&format!("{job}/{table}"))?.to_string();
                let parts = found.iter().flat_map(|table| &table.parts);
                let (files, bytes, rows) = parts.fold((0, 0, 0), |(files, bytes, rows), part| {
                    (files + 1, bytes + part.size_bytes, rows + part.rows)
                });
                Reads {
                    input: name,
                    from,
                    files,
                    bytes,
                    rows: found.map(|_| rows),
                }
            }
        });
    }
    Ok(reads)
}

fn bytes(objects: &[FrozenObject]) -> u64 {
    objects.iter().map(|object| object.size_bytes).sum()
}

async fn writes(job: &Job, settings: &RunSettings, parameters: &Parameters) -> Result<Vec<Writes>> {
    // A place that is not there yet has no log: a plan must not make it.
    let log = match Store::open(&settings.output, &S3Settings::default()).await {
        Ok(store) => Some(Log::read(&store, &job.name).await?),
        Err(error) if error.kind() == crate::error::ErrorKind::InputMissing => None,
        Err(error) => return Err(error),
    };
    outputs::plans(job, parameters)
        .into_iter()
        .map(|plan| {
            let live = log.as_ref().and_then(|log| log.state().table(&plan.table));
            let parts = live.map(|table| table.parts.as_slice()).unwrap_or_default();
            let replaced = parts.iter().filter(|part| match &plan.replaces {
                Replaces::Table => true,
                Replaces::Window(window) => window.contains(&part.partition),
                Replaces::Append => false,
            });
            let (files, rows) =
                replaced.fold((0, 0), |(files, rows), part| (files + 1, rows + part.rows));
            Ok(Writes {
                to: settings
                    .output
                    .join(&format!("{}/{}", job.name, plan.table))?
                    .to_string(),
                table: plan.table,
                replaces: plan.replaces,
                replaced_files: files,
                replaced_rows: rows,
            })
        })
        .collect()
}

/// Plans over empty inputs: the shape of the work, not its order of joins, which follows from sizes.
async fn queries(job: &Job, settings: &RunSettings, parameters: &Parameters) -> Result<Vec<Query>> {
    let workspace = Workspace::new(&settings.engine)?;
    let context = &workspace.context;
    for input in &job.inputs {
        let empty = EmptyTable::new(input.contract.schema());
        context
            .register_table(&input.name, Arc::new(empty))
            .map_err(query_error)?;
    }
    let mut queries = Vec::new();
    for table in &job.tables {
        let plan = table_plan(context, job, table, parameters)
            .await
            .map_err(job_error)?;
        let schema = Arc::new(plan.schema().as_arrow().clone());
        queries.push(query(&workspace, &table.name, &plan).await?);
        context
            .register_table(&table.name, Arc::new(EmptyTable::new(schema)))
            .map_err(query_error)?;
    }
    for output in &job.outputs {
        let planned = output_plan(context, job, output, parameters)
            .await
            .map_err(job_error)?;
        let schema = Arc::new(planned.plan.schema().as_arrow().clone());
        queries.push(query(&workspace, &output.name, &planned.plan).await?);
        context
            .register_table(&output.name, Arc::new(EmptyTable::new(schema)))
            .map_err(query_error)?;
    }
    Ok(queries)
}

async fn query(
    workspace: &Workspace,
    name: &str,
    plan: &datafusion::logical_expr::LogicalPlan,
) -> Result<Query> {
    let state = workspace.context.state();
    let physical = state
        .create_physical_plan(plan)
        .await
        .map_err(query_error)?;
    let text = displayable(physical.as_ref()).indent(false).to_string();
    Ok(Query {
        computes: name.to_owned(),
        plan: text,
    })
}

fn text(planned: &Planned) -> String {
    let mut lines = vec![format!("{} would", planned.job)];
    for read in &planned.reads {
        let rows = read
            .rows
            .map(|rows| format!(", {} rows", grouped(rows)))
            .unwrap_or_default();
        lines.push(format!(
            "  read     {:<22} {} files, {}{rows} in {}",
            read.input,
            grouped(read.files),
            size(read.bytes),
            read.from
        ));
    }
    for write in &planned.writes {
        let what = match &write.replaces {
            Replaces::Table => "the whole table".to_owned(),
            Replaces::Window(window) => format!("the window {window}"),
            Replaces::Append => "nothing (append)".to_owned(),
        };
        lines.push(format!("  write    {:<22} to {}", write.table, write.to));
        lines.push(format!(
            "           {:<22} replacing {what}: {} files, {} rows",
            "",
            grouped(write.replaced_files),
            grouped(write.replaced_rows)
        ));
    }
    for query in &planned.queries {
        lines.push(format!("  compute  {}", query.computes));
        lines.extend(query.plan.lines().map(|line| format!("    {line}")));
    }
    lines.join("\n") + "\n"
}
