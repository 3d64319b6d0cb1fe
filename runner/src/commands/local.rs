//! `drivetrain local`: runs the bundled pipeline in a local folder, from sample data to answers.

use std::collections::BTreeMap;
use std::path::{Path as FolderPath, PathBuf};
use std::time::{Duration, Instant};

use drivetrain_jobs::bundled;
use serde::Serialize;

use crate::callback::NoWaiter;
use crate::cli::LocalArgs;
use crate::commands::generate;
use crate::commands::query::{answer, register_all};
use crate::commit::Unfenced;
use crate::error::{Error, ErrorKind, Result};
use crate::generate::{DefectShare, ExistingData};
use crate::report::{Report, Status, grouped, size};
use crate::run::failed_run::FailedRun;
use crate::run::outcome::execute;
use crate::run::request::RunRequest;
use crate::run::settings::RunSettings;
use crate::sql::engine_settings::EngineSettings;
use crate::sql::workspace::Workspace;
use crate::store::{Location, RAW, S3Settings, Store};
use crate::terminal::printer::{Answer, Printer, ToText};
use crate::terminal::row_writer::RowFormat;
use crate::terminal::signals;
use crate::terminal::stage_display::Display;
use crate::terminal::stderr::note;
use crate::watch::{StageObserver, StopSignal};

/// The number of rentals in the sample: the default of `generate --rentals`.
const SAMPLE_RENTALS: u64 = 20_080;

/// Seed of the sample; fixed, so that every new user sees the same answers.
const SAMPLE_SEED: u64 = 7;

/// Share of defective lines: two per thousand, so that the quarantine contains some rows.
const SAMPLE_DIRT: &str = "0.002";

/// Business questions that `local` answers after the runs, each with its SQL.
const QUESTIONS: [(&str, &str); 4] = [
    (
        "Which locations earn the most?",
        "select location_name, city, state, total_pickups, total_revenue from location_metrics order by total_revenue desc, location_id limit 3",
    ),
    (
        "Which vehicle type is rented most?",
        "select vehicle_type, total_rentals, total_revenue, avg_rental_duration_hours from vehicle_type_metrics order by total_rentals desc",
    ),
    (
        "Who spends the most?",
        "select first_name, last_name, total_rentals, total_spent, spending_category from user_metrics order by total_spent desc, user_id limit 3",
    ),
    (
        "Which weekdays are busiest?",
        "select day_of_week, total_transactions, total_revenue from day_of_week_metrics order by total_transactions desc limit 3",
    ),
];

/// Generates a sample if the folder has no data, runs the three jobs in order, and answers some questions from their
/// tables.
///
/// # Errors
/// As `generate` and `run`; `Usage` if `--data` is not a local folder.
pub async fn local(args: &LocalArgs, printer: Printer) -> Result<Answer, FailedRun> {
    let began = Instant::now();
    let stop = signals::listen()?;
    let display = Display::new();
    let data = folder(&args.data)?;
    let input = Location::Folder(data.clone());
    let output = Location::Folder(data.join("processed"));
    Box::pin(sample(&data, &input, &display, &stop)).await?;
    let mut reports = Vec::new();
    for job in bundled::jobs() {
        note(&job.name);
        let name = job.name.clone();
        let prepare = async {
            Ok(RunRequest {
                job,
                settings: RunSettings {
                    input: Some(input.clone()),
                    output: output.clone(),
                    parameters: BTreeMap::new(),
                    checks: Vec::new(),
                    force: false,
                    replace_foreign: false,
                    shape: args.engine.shape()?,
                    emr: None,
                    engine: args.engine.settings()?,
                },
                fence: &Unfenced,
                stop: &stop,
                stages: &display,
                started_at: chrono::Utc::now(),
                register: None,
            })
        };
        let report = execute(&name, prepare, &NoWaiter)
            .await
            .map_err(|failed| with_local_hints(failed, &name, &reports, &data))?;
        if report.status == Status::AlreadyDone {
            note("  already committed");
        }
        reports.push(report);
    }
    let mut local = Local {
        runs: reports,
        answers: Vec::new(),
        data,
        took: Duration::ZERO,
    };
    if printer.is_for_people() {
        local.answers = answers(&output, args.engine.settings()?, &stop).await?;
    }
    local.took = began.elapsed();
    Ok(Answer::done(local))
}

/// Adapts a job's failure to this command: missing input gets a hint about the folder of `--data`, and the message of a
/// stop names the jobs that are already committed.
fn with_local_hints(failed: FailedRun, job: &str, done: &[Report], data: &FolderPath) -> FailedRun {
    let FailedRun { error, report } = failed;
    let error = match error.kind() {
        ErrorKind::InputMissing => error.hint(format!(
            "put a dataset's files into `{}/<dataset>/`, or name a `--data` folder without raw data: `local` then generates a sample",
            data.join(RAW).display()
        )),
        ErrorKind::Cancelled if !done.is_empty() => {
            let names: Vec<_> = done
                .iter()
                .map(|report| format!("`{}`", report.job))
                .collect();
            error.reworded(format!(
                "stopped before the job `{job}` committed anything; {} already committed",
                match names.as_slice() {
                    [one] => format!("{one} was"),
                    several => format!("{} were", several.join(" and ")),
                }
            ))
        }
        _ => error,
    };
    FailedRun { error, report }
}

/// Answer for the pipeline; its JSON has the reports of the runs.
#[derive(Serialize)]
struct Local {
    /// Reports of the bundled jobs' runs, in the order in which they ran.
    runs: Vec<Report>,
    /// Questions with their rows as text; empty if the output is JSON.
    #[serde(skip)]
    answers: Vec<(&'static str, String)>,
    /// Folder that `--data` names.
    #[serde(skip)]
    data: PathBuf,
    /// Wall-clock time of the whole pipeline.
    #[serde(skip)]
    took: Duration,
}

impl ToText for Local {
    fn text(&self) -> String {
        let mut text = tables(&self.runs) + "\n";
        for (question, rows) in &self.answers {
            text += &format!("\n{question}\n{rows}");
        }
        let took = self.took.as_secs_f64();
        text + &format!("{}\ndone in {took:.1} s\n", places(&self.data, &self.runs))
    }
}

/// Returns the folder that `--data` names.
///
/// # Errors
/// `Usage` for a URL or for a path that is not UTF-8, because this command works only with local folders.
fn folder(data: &FolderPath) -> Result<PathBuf> {
    let usage = |message: String| Error::new(ErrorKind::Usage, message);
    let text = data
        .to_str()
        .ok_or_else(|| usage(format!("`--data {}` is not valid UTF-8", data.display())))?;
    match Location::parse(text)? {
        Location::Folder(folder) => Ok(folder),
        elsewhere => Err(usage(format!("`--data {elsewhere}` is not a local folder"))
            .hint("`drivetrain generate` and `drivetrain run` accept URLs")),
    }
}

/// Generates the sample if the folder has no raw data; never changes existing data.
async fn sample(
    data: &FolderPath,
    input: &Location,
    display: &dyn StageObserver,
    stop: &StopSignal,
) -> Result<()> {
    let store = Store::create(input, &S3Settings::default()).await?;
    if ExistingData::find(&store).await? != ExistingData::Nothing {
        return Ok(());
    }
    note(&format!(
        "no raw data in {}: generating {} rentals",
        data.join(RAW).display(),
        grouped(SAMPLE_RENTALS)
    ));
    let dirt: DefectShare = SAMPLE_DIRT.parse()?;
    let settings = generate::settings(SAMPLE_RENTALS, SAMPLE_SEED, dirt)?;
    let stage = display.stage("generate");
    generate::write(&settings, input, &stage.progress, stop).await?;
    stage.finish();
    Ok(())
}

/// Formats the tables that the runs wrote, each with its numbers of rows and files and its size.
fn tables(reports: &[Report]) -> String {
    let mut lines = vec![
        String::new(),
        format!(
            "{:<22} {:>12} {:>8} {:>12}",
            "table", "rows", "files", "size"
        ),
    ];
    for report in reports {
        for output in &report.outputs {
            lines.push(format!(
                "{:<22} {:>12} {:>8} {:>12}",
                output.name,
                grouped(output.rows),
                grouped(output.files),
                size(output.bytes)
            ));
        }
    }
    lines.join("\n")
}

/// Runs the SQL of [`QUESTIONS`] on the published tables, and returns each question with its rows as text.
async fn answers(
    output: &Location,
    engine: EngineSettings,
    stop: &StopSignal,
) -> Result<Vec<(&'static str, String)>> {
    let store = Store::open(output, &S3Settings::default()).await?;
    let workspace = Workspace::new(&engine)?;
    stop.or_cancelled(register_all(&store, &workspace)).await?;
    let mut answers = Vec::new();
    for (question, sql) in QUESTIONS {
        let mut rows = Vec::new();
        let asked = answer(&workspace.context, sql, RowFormat::Table, &mut rows);
        stop.or_cancelled(asked).await?;
        answers.push((question, String::from_utf8_lossy(&rows).into_owned()));
    }
    Ok(answers)
}

/// Formats the locations of the raw data, the tables and the quarantine, and a query to try next.
fn places(data: &FolderPath, reports: &[Report]) -> String {
    let rejected: u64 = reports
        .iter()
        .flat_map(|report| &report.inputs)
        .map(|input| input.quarantined_rows)
        .sum();
    let mut lines = vec![
        String::new(),
        format!("raw data     {}", data.join(RAW).display()),
        format!("tables       {}", data.join("processed").display()),
    ];
    let quarantines: Vec<&String> = reports
        .iter()
        .filter_map(|report| report.quarantine.as_ref())
        .collect();
    if let Some(first) = quarantines.first() {
        lines.push(format!(
            "quarantined  {} rows, for example in {first}",
            grouped(rejected)
        ));
    }
    let processed = data.join("processed");
    lines.push(format!(
        "ask more     drivetrain query \"select * from daily_metrics limit 5\" --output {}",
        processed.display()
    ));
    lines.join("\n")
}
