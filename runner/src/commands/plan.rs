//! `drivetrain plan`: what a run would read, write and replace; writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use drivetrain_jobs::job::{InputOrigin, Job};
use drivetrain_jobs::plan::Parameters;
use serde::Serialize;

use crate::cli::RunArgs;
use crate::commit::{self, Log, Replaces};
use crate::display::{grouped, size};
use crate::error::{ErrorKind, Result};
use crate::job_error::job_error;
use crate::job_folder::JobFolder;
use crate::outputs;
use crate::preview::{Known, Preview, Query, preview};
use crate::print;
use crate::settings::RunSettings;
use crate::store::{FrozenObject, Location, S3Settings, Store};
use crate::stores::RAW;
use crate::workspace::Workspace;

/// Lists inputs and outputs, and plans every query over the inputs as they lie there.
///
/// # Errors
/// As a run's start.
pub async fn plan(args: &RunArgs, json: bool) -> Result<()> {
    let settings = RunSettings::resolve(args)?;
    let job = JobFolder::read(&args.job).await?.job().await?;
    let given: Vec<_> = settings.parameters.iter().collect();
    let parameters = Parameters::bind(&job, &given).map_err(job_error)?;
    let (mut reads, known) = reads(&job, &settings).await?;
    let writes = writes(&job, &settings, &parameters).await?;
    let workspace = Workspace::new(&settings.engine)?;
    let Preview { queries, opened } = preview(&job, &parameters, known, &workspace).await?;
    for read in &mut reads {
        if let Some((files, bytes)) = opened.get(&read.input) {
            (read.opened_files, read.opened_bytes) = (*files, *bytes);
        }
    }
    let planned = Planned {
        job: job.name.clone(),
        reads,
        writes,
        queries,
    };
    if json {
        return print::answer_json(&planned);
    }
    print::answer(&text(&planned))
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
    /// Those in partitions that the queries ask for.
    opened_files: u64,
    opened_bytes: u64,
    rows: Option<u64>,
    /// The job upstream has not written it.
    missing: bool,
}

#[derive(Serialize)]
struct Writes {
    table: String,
    to: String,
    replaces: Replaces,
    replaced_partitions: u64,
    replaced_files: u64,
    replaced_bytes: u64,
    replaced_rows: u64,
}

async fn reads(job: &Job, settings: &RunSettings) -> Result<(Vec<Reads>, BTreeMap<String, Known>)> {
    let s3 = S3Settings::default();
    let (mut reads, mut inputs) = (Vec::new(), BTreeMap::new());
    for input in &job.inputs {
        let (from, known) = match (&input.origin, &settings.input) {
            (InputOrigin::Raw(folder), Some(location)) => {
                let store = Store::open(location, &s3).await?;
                let objects = commit::list_input(&store, &format!("{RAW}/{folder}")).await?;
                let from = location.join(&format!("{RAW}/{folder}"))?.to_string();
                (from, Known::Files(objects.len() as u64, bytes(&objects)))
            }
            (InputOrigin::Raw(folder), None) => (format!("<input>/{RAW}/{folder}"), Known::Nothing),
            (InputOrigin::Table { job, table }, _) => {
                let from = settings.output.join(&format!("{job}/{table}"))?.to_string();
                let found = match open(&settings.output).await? {
                    Some(store) => commit::foresee_table(&store, job, table)
                        .await?
                        .map(|found| Known::Table(found, store)),
                    None => None,
                };
                (from, found.unwrap_or(Known::Nothing))
            }
        };
        let (files, bytes, rows) = match &known {
            Known::Files(files, bytes) => (*files, *bytes, None),
            Known::Table(table, _) => (
                table.parts.len() as u64,
                bytes(&table.objects),
                Some(table.parts.iter().map(|part| part.rows).sum()),
            ),
            Known::Nothing => (0, 0, None),
        };
        reads.push(Reads {
            input: input.name.clone(),
            from,
            files,
            bytes,
            opened_files: files,
            opened_bytes: bytes,
            rows,
            missing: matches!(
                (&known, &input.origin),
                (Known::Nothing, InputOrigin::Table { .. })
            ),
        });
        inputs.insert(input.name.clone(), known);
    }
    Ok((reads, inputs))
}

/// Opens a place; `None` for one that is not there yet: a plan must not make it.
async fn open(location: &Location) -> Result<Option<Store>> {
    match Store::open(location, &S3Settings::default()).await {
        Ok(store) => Ok(Some(store)),
        Err(error) if error.kind() == ErrorKind::InputMissing => Ok(None),
        Err(error) => Err(error),
    }
}

fn bytes(objects: &[FrozenObject]) -> u64 {
    objects.iter().map(|object| object.size_bytes).sum()
}

async fn writes(job: &Job, settings: &RunSettings, parameters: &Parameters) -> Result<Vec<Writes>> {
    let log = match open(&settings.output).await? {
        Some(store) => Some(Log::read(&store, &job.name).await?),
        None => None,
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
            let replaced: Vec<_> = replaced.collect();
            let partitions: BTreeSet<_> = replaced.iter().map(|part| &part.partition).collect();
            Ok(Writes {
                to: settings
                    .output
                    .join(&format!("{}/{}", job.name, plan.table))?
                    .to_string(),
                table: plan.table,
                replaces: plan.replaces,
                replaced_partitions: partitions.len() as u64,
                replaced_files: replaced.len() as u64,
                replaced_bytes: replaced.iter().map(|part| part.size_bytes).sum(),
                replaced_rows: replaced.iter().map(|part| part.rows).sum(),
            })
        })
        .collect()
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
        if read.missing {
            lines.push(format!(
                "           {:<22} not written yet: a run would fail, the job upstream comes first",
                ""
            ));
        }
        if read.opened_files < read.files {
            lines.push(format!(
                "           {:<22} opening only {} of them, {}: the others lie in partitions that are not asked for",
                "",
                grouped(read.opened_files),
                size(read.opened_bytes)
            ));
        }
    }
    for write in &planned.writes {
        let what = match &write.replaces {
            Replaces::Table => "the whole table".to_owned(),
            Replaces::Window(window) => format!("the window {window}"),
            Replaces::Append => "nothing (append)".to_owned(),
        };
        lines.push(format!("  write    {:<22} to {}", write.table, write.to));
        lines.push(format!(
            "           {:<22} replacing {what}: {} partitions, {} files, {}, {} rows",
            "",
            grouped(write.replaced_partitions),
            grouped(write.replaced_files),
            size(write.replaced_bytes),
            grouped(write.replaced_rows)
        ));
    }
    for query in &planned.queries {
        lines.push(format!("  compute  {}", query.computes));
        lines.extend(query.plan.lines().map(|line| format!("    {line}")));
    }
    lines.join("\n") + "\n"
}
