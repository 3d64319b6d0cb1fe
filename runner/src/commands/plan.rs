//! `drivetrain plan`: shows what a run would read, write and replace; writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use drivetrain_jobs::job::{InputOrigin, Job};
use serde::Serialize;

use crate::cli::PlanArgs;
use crate::commit::{self, Opened, OutputPlan, Replaces};
use crate::error::{ErrorKind, Result};
use crate::job::job_folder::JobFolder;
use crate::report::{grouped, size};
use crate::run::freeze::{
    FrozenInput, FrozenInputs, raw_input, require_complete_sample, table_input,
};
use crate::run::identify::{bind, identify, open_options};
use crate::run::outputs;
use crate::run::preview::{Known, PlannedQuery, Preview, preview};
use crate::run::roots::require_apart;
use crate::run::settings::RunSettings;
use crate::sql::workspace::Workspace;
use crate::store::{FrozenObject, Location, RAW, S3Settings, Store};
use crate::terminal::printer::{Answer, ToText};

/// Lists the inputs and outputs of a run, and plans every query for the current inputs.
///
/// # Errors
/// The errors with which a run would fail before it reads any data.
pub async fn plan(args: &PlanArgs) -> Result<Answer> {
    let args = &args.request;
    let settings = args.settings()?;
    let job = JobFolder::read(&args.job).await?.job().await?;
    let parameters = bind(&job, &settings)?;
    require_apart(&job, &settings)?;
    let plans = outputs::plans(&job, &parameters);
    let output = open(&settings.output).await?;
    let opened = match &output {
        Some(store) => {
            let options = open_options(&settings);
            Some(commit::foresee(store, &job.name, plans.clone(), options).await?)
        }
        None => None,
    };
    let (mut reads, inputs) = reads(&job, &settings, output.as_ref(), opened.as_ref()).await?;
    let already_done = already_done(&job, &settings, opened.as_ref(), &inputs)?;
    if already_done.is_some() {
        return Ok(Answer::asked(Planned {
            job: job.name,
            already_done,
            reads,
            writes: Vec::new(),
            queries: Vec::new(),
        }));
    }
    let writes = writes(&job, &settings, plans, opened.as_ref())?;
    let known = known(inputs, output.as_ref());
    let workspace = Workspace::new(&settings.engine)?;
    let Preview { queries, opened } = preview(&job, &parameters, known, &workspace).await?;
    for read in &mut reads {
        if let Some((files, bytes)) = opened.get(&read.input) {
            (read.opened_files, read.opened_bytes) = (*files, *bytes);
        }
    }
    Ok(Answer::asked(Planned {
        job: job.name,
        already_done: None,
        reads,
        writes,
        queries,
    }))
}

/// Answer of `plan`: a description of the run that `run` would start.
#[derive(Serialize)]
struct Planned {
    /// Name of the job.
    job: String,
    /// The committed run with the same id, if there is one; a run would then read and write nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    already_done: Option<DoneBefore>,
    /// Inputs of the job, which a run that is not done yet would read.
    reads: Vec<Reads>,
    /// Outputs that the run would write; empty if it is already done.
    writes: Vec<Writes>,
    /// Plans of the queries; empty if the run is already done.
    queries: Vec<PlannedQuery>,
}

/// A committed run with the same id as the planned one.
#[derive(Serialize)]
struct DoneBefore {
    /// Id of the run.
    run_id: String,
    /// Number of the run's record in the log.
    record: u64,
}

/// Input that a planned run would read.
#[derive(Serialize)]
struct Reads {
    /// Name of the input.
    input: String,
    /// URL or path of the folder with the input's files; begins with `<input>` if `--input` is not given.
    from: String,
    /// The number of the input's files.
    files: u64,
    /// The total size of the input's files, in bytes.
    bytes: u64,
    /// The number of files in partitions that the queries read; the run does not open the others.
    opened_files: u64,
    /// The total size of the opened files, in bytes.
    opened_bytes: u64,
    /// The number of rows; `None` for raw input, whose rows are counted only when it is decoded.
    rows: Option<u64>,
    /// `true` if the upstream job has not written the table yet.
    missing: bool,
}

/// Output that a planned run would write.
#[derive(Serialize)]
struct Writes {
    /// Name of the table.
    table: String,
    /// URL or path of the folder with the table's files.
    to: String,
    /// The rows of the table that the run would replace: all, those in a window, or none.
    replaces: Replaces,
    /// The number of partitions in which files would be replaced.
    replaced_partitions: u64,
    /// The number of files that would be replaced.
    replaced_files: u64,
    /// The total size of the replaced files, in bytes.
    replaced_bytes: u64,
    /// The number of rows in the replaced files.
    replaced_rows: u64,
}

/// Lists the inputs, and freezes the existing ones as a run would.
async fn reads(
    job: &Job,
    settings: &RunSettings,
    output: Option<&Store>,
    opened: Option<&Opened>,
) -> Result<(Vec<Reads>, FrozenInputs)> {
    let s3 = S3Settings::default();
    let (mut reads, mut inputs) = (Vec::new(), FrozenInputs::new());
    for input in &job.inputs {
        let (from, frozen) = match (&input.origin, &settings.input) {
            (InputOrigin::Raw(folder), Some(location)) => {
                let store = Store::open(location, &s3).await?;
                require_complete_sample(&store).await?;
                let objects = commit::list_input(&store, &format!("{RAW}/{folder}")).await?;
                let from = location.join(&format!("{RAW}/{folder}"))?.to_string();
                (from, Some(raw_input(job, input, objects, opened)?))
            }
            (InputOrigin::Raw(folder), None) => (format!("<input>/{RAW}/{folder}"), None),
            (InputOrigin::Table { job, table }, _) => {
                let from = settings.output.join(&format!("{job}/{table}"))?.to_string();
                let found = match output {
                    Some(store) => commit::foresee_table(store, job, table).await?,
                    None => None,
                };
                let name = format!("{job}.{table}");
                let frozen = found.map(|found| table_input(input, &name, found));
                (from, frozen.transpose()?)
            }
        };
        let (objects, rows) = match &frozen {
            Some(FrozenInput::Raw { fresh, .. }) => (fresh.as_slice(), None),
            Some(FrozenInput::Table(table)) => (
                table.objects.as_slice(),
                Some(table.parts.iter().map(|part| part.rows).sum()),
            ),
            None => (&[][..], None),
        };
        let (files, bytes) = (objects.len() as u64, bytes(objects));
        reads.push(Reads {
            input: input.name.clone(),
            from,
            files,
            bytes,
            opened_files: files,
            opened_bytes: bytes,
            rows,
            missing: matches!((&frozen, &input.origin), (None, InputOrigin::Table { .. })),
        });
        inputs.extend(frozen.map(|frozen| (input.name.clone(), frozen)));
    }
    Ok((reads, inputs))
}

/// Returns the committed run that has the id of this run, if there is one; always `None` if an input is missing or with
/// `--force`.
fn already_done(
    job: &Job,
    settings: &RunSettings,
    opened: Option<&Opened>,
    inputs: &FrozenInputs,
) -> Result<Option<DoneBefore>> {
    let Some(opened) = opened.filter(|_| !settings.force && inputs.len() == job.inputs.len())
    else {
        return Ok(None);
    };
    let id = identify(job, settings, inputs)?;
    Ok(opened.done(&id).map(|record| DoneBefore {
        run_id: id.to_string(),
        record,
    }))
}

/// Returns the facts about each input that query planning needs: its files and their size, or its table.
fn known(inputs: FrozenInputs, output: Option<&Store>) -> BTreeMap<String, Known> {
    let known = |input: FrozenInput| match (input, output) {
        (FrozenInput::Raw { fresh, .. }, _) => Known::Files(fresh.len() as u64, bytes(&fresh)),
        (FrozenInput::Table(table), Some(store)) => Known::Table(table, store.clone()),
        (FrozenInput::Table(_), None) => Known::Nothing,
    };
    let inputs = inputs.into_iter();
    inputs.map(|(name, input)| (name, known(input))).collect()
}

/// Opens the store at a location; returns `None` if it does not exist, because a plan must not create it.
async fn open(location: &Location) -> Result<Option<Store>> {
    match Store::open(location, &S3Settings::default()).await {
        Ok(store) => Ok(Some(store)),
        Err(error) if error.kind() == ErrorKind::InputMissing => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the total size of objects, in bytes.
fn bytes(objects: &[FrozenObject]) -> u64 {
    objects.iter().map(|object| object.size_bytes).sum()
}

/// Lists the outputs, and counts for each the live parts that the run would replace.
fn writes(
    job: &Job,
    settings: &RunSettings,
    plans: Vec<OutputPlan>,
    opened: Option<&Opened>,
) -> Result<Vec<Writes>> {
    let state = opened.map(|opened| opened.log().state());
    plans
        .into_iter()
        .map(|plan| {
            let live = state.and_then(|state| state.table(&plan.table));
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

impl ToText for Planned {
    fn text(&self) -> String {
        let mut lines = vec![match &self.already_done {
            None => format!("a run of {} would do this:", self.job),
            Some(done) => format!(
                "{} was already committed (record {}, run {}): a run would read and write nothing; `--force` runs the job again",
                self.job, done.record, done.run_id
            ),
        }];
        for read in &self.reads {
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
                    "           {:<22} this table is not written yet, so a run would fail; run the upstream job first",
                    ""
                ));
            }
            if read.opened_files < read.files {
                lines.push(format!(
                    "           {:<22} opening only {} of these files, {}: the others are in partitions that no query reads",
                    "",
                    grouped(read.opened_files),
                    size(read.opened_bytes)
                ));
            }
        }
        for write in &self.writes {
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
        for query in &self.queries {
            lines.push(format!("  compute  {}", query.computes));
            lines.extend(query.plan.lines().map(|line| format!("    {line}")));
        }
        lines.join("\n") + "\n"
    }
}
