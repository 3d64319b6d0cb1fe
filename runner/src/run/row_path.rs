//! One run of one job: the path of a row, from raw objects to a published table.
//!
//! ```text
//!   freeze -> identify -> read -> compute -> check -> write -> commit -> publish -> report
//!   (1, 2)                (decode, quarantine)       (3, 4)    (5, 6)    (7)
//! ```

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use drivetrain_jobs::job::Job;
use drivetrain_jobs::plan::{Parameters, outputs_read};

use crate::commit::{
    self, Attempt, CommitOutcome, Decision, Fence, PublishOutcome, Record, StagedPart,
};
use crate::error::Failure;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::job::job_error::job_error;
use crate::report::{self, OutputReport, Report, StageReport, Status};
use crate::run::check::check;
use crate::run::compute::{Computed, Destination, compute};
use crate::run::freeze::{FrozenInput, FrozenInputs, freeze};
use crate::run::identify::{bind, identify, open_options};
use crate::run::outputs;
use crate::run::read::{Reading, read};
use crate::run::roots::Stores;
use crate::run::settings::RunSettings;
use crate::sink::write::write;
use crate::sql::memory::peak_resident_bytes;
use crate::sql::workspace::Workspace;
use crate::terminal::stage_display::Display;
use crate::watch::StopSignal;

/// How often a run whose uploads the store dropped starts again before it gives up.
const MOST_STARTS: usize = 3;

/// What a run is told and what it talks to.
pub struct Run<'a> {
    /// What is computed.
    pub job: &'a Job,
    /// Where and how.
    pub settings: &'a RunSettings,
    /// Whoever waits for it.
    pub fence: &'a dyn Fence,
    /// Whoever may stop it.
    pub stop: &'a StopSignal,
    /// Whoever watches it.
    pub display: &'a Display,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// Runs a job once; a run that is done already is found so, and nothing is read or written.
///
/// # Errors
/// Each kind of the exit table: what is wrong, where, and what can be done about it.
pub async fn run(run: &Run<'_>) -> Result<Report> {
    let parameters = bind(run.job, run.settings)?;
    let opening = Box::pin(Stores::open(run.job, run.settings));
    let stores = run.stop.or_cancelled(opening).await?;
    for _ in 0..MOST_STARTS {
        if let Some(report) = start(run, &parameters, &stores).await? {
            return Ok(report);
        }
    }
    Err(Error::new(
        ErrorKind::TryAgain,
        format!("the store dropped the uploads of job `{}` {MOST_STARTS} times before they were published", run.job.name),
    )
    .hint("the bucket's lifecycle rule for incomplete uploads must allow more time than a run takes"))
}

/// From the log to the published record; `None` where what it was built on was lost, and it is to start again.
async fn start(run: &Run<'_>, parameters: &Parameters, stores: &Stores) -> Result<Option<Report>> {
    let begun = run
        .stop
        .or_cancelled(begin(run, parameters, stores))
        .await?;
    let (inputs, attempt) = match begun {
        Begun::AlreadyDone(report) => return Ok(Some(*report)),
        Begun::Attempt(inputs, attempt) => (inputs, attempt),
    };
    let mut report = new_report(run, &attempt);
    let preparing = prepare(run, parameters, stores, &inputs, &attempt, &mut report);
    let prepared = run.stop.or_cancelled(preparing).await;
    let (parts, rows) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            attempt.abandon(run.stop).await;
            let error = commit::name_replacer(&stores.output, error).await;
            return Err(failed(run, stores, report, error).await);
        }
    };
    let summary =
        serde_json::to_value(&report).context(ErrorKind::Failed, "cannot write the report")?;
    let publishing = run.display.stage("publish");
    let known = |error: Error| error.of_run(as_failed(&report, stores));
    let staged = attempt.stage(parts, &rows, summary).await.map_err(known)?;
    let committed = match staged.commit(run.fence, run.stop).await.map_err(known)? {
        CommitOutcome::Committed(committed) => committed,
        CommitOutcome::AlreadyDone(record) => return already_done(run, stores, &record).map(Some),
        CommitOutcome::StartAgain => return Ok(None),
    };
    let publish = committed.publish(run.stop).await.map_err(known)?;
    let PublishOutcome::Published(published) = publish else {
        return Ok(None);
    };
    report.record = published.record().number;
    report
        .stages
        .push(StageReport::new("publish", publishing.finish()));
    finish(&mut report, stores);
    report::store(&report, &stores.output).await;
    Ok(Some(report))
}

/// What the log and the inputs lead to.
enum Begun {
    AlreadyDone(Box<Report>),
    Attempt(FrozenInputs, Attempt),
}

/// Freezes and identifies; a stop may come at any time, for nothing is staged yet.
async fn begin(run: &Run<'_>, parameters: &Parameters, stores: &Stores) -> Result<Begun> {
    let plans = outputs::plans(run.job, parameters);
    let options = open_options(run.settings);
    let opened = commit::open(&stores.output, &run.job.name, plans, options).await?;
    let inputs = freeze(run.job, &opened, stores).await?;
    let id = identify(run.job, run.settings, &inputs)?;
    let decision = opened
        .decide(id, &consumed(&inputs), run.settings.force)
        .await?;
    Ok(match decision {
        Decision::AlreadyDone(record) => {
            Begun::AlreadyDone(already_done(run, stores, &record)?.into())
        }
        Decision::Run(attempt) => Begun::Attempt(inputs, attempt),
    })
}

/// Everything between the frozen inputs and the commit: nothing of it is visible, and it may be dropped at any time.
async fn prepare(
    run: &Run<'_>,
    parameters: &Parameters,
    stores: &Stores,
    inputs: &FrozenInputs,
    attempt: &Attempt,
    report: &mut Report,
) -> Result<(Vec<StagedPart>, BTreeMap<String, u64>)> {
    let workspace = Workspace::new(&run.settings.engine)?;

    let reading = run.display.stage("read");
    let Reading {
        accepted_rows,
        spilled_bytes,
    } = read(
        run,
        parameters,
        stores,
        inputs,
        &workspace,
        &reading.progress,
        report,
    )
    .await?;
    report
        .stages
        .push(StageReport::new("read", reading.finish()));

    let computing = run.display.stage("compute");
    let kept =
        outputs_read(&workspace.context, run.job, &run.settings.checks).map_err(job_error)?;
    let destination = Destination {
        stager: attempt.stager(),
        shape: &run.settings.shape,
        kept,
    };
    let computed = compute(
        run.job,
        parameters,
        &accepted_rows,
        &workspace,
        &destination,
        &computing.progress,
    )
    .await?;
    report
        .stages
        .push(StageReport::new("compute", computing.finish()));

    let checking = run.display.stage("check");
    report.checks = check(
        &workspace.context,
        run.job,
        parameters,
        &run.settings.checks,
        &computed,
    )
    .await?;
    report
        .stages
        .push(StageReport::new("check", checking.finish()));

    let writing = run.display.stage("write");
    let mut parts = Vec::new();
    let mut rows = BTreeMap::new();
    report.spilled_bytes = spilled_bytes;
    for (output, done) in run.job.outputs.iter().zip(computed) {
        let table = outputs::table(output, &run.settings.shape, &workspace);
        let mut entry = output_report(run, stores, &output.name, &done);
        report.spilled_bytes += done.collected.held.spilled_bytes();
        rows.insert(output.name.clone(), entry.rows);
        let stager = &destination.stager;
        let written = write(stager, &table, done.collected, &writing.progress).await?;
        entry.files = written.len() as u64;
        entry.bytes = written.iter().map(|part| part.part().size_bytes).sum();
        report.outputs.push(entry);
        parts.extend(written);
    }
    report
        .stages
        .push(StageReport::new("write", writing.finish()));
    finish(report, stores);
    Ok((parts, rows))
}

fn consumed(inputs: &FrozenInputs) -> Vec<crate::store::FrozenObject> {
    inputs
        .values()
        .filter_map(|input| match input {
            FrozenInput::Raw {
                fresh,
                consumes: true,
                ..
            } => Some(fresh.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

fn new_report(run: &Run<'_>, attempt: &Attempt) -> Report {
    Report {
        version: report::VERSION,
        status: Status::Committed,
        job: run.job.name.clone(),
        run_id: attempt.run().to_string(),
        attempt_id: attempt.id().to_string(),
        record: 0,
        started_at: run
            .started_at
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        parameters: run.settings.parameters.clone(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        checks: Vec::new(),
        quarantine: None,
        error: None,
        stages: Vec::new(),
        peak_memory_bytes: 0,
        spilled_bytes: 0,
        requests: BTreeMap::new(),
        versions: report::versions(),
    }
}

/// Tells with an error what its run had found, and stores that where a store may still answer soon; the error stays what it is.
async fn failed(run: &Run<'_>, stores: &Stores, report: Report, error: Error) -> Error {
    let mut report = as_failed(&report, stores);
    report.error = Some(Failure::of(&error));
    if error.kind() != ErrorKind::TryAgain {
        let storing = report::store(&report, &stores.output);
        run.stop.unless(storing).await;
    }
    error.of_run(report)
}

fn as_failed(report: &Report, stores: &Stores) -> Report {
    let mut report = report.clone();
    report.status = Status::Failed;
    finish(&mut report, stores);
    report
}

fn finish(report: &mut Report, stores: &Stores) {
    report.peak_memory_bytes = peak_resident_bytes();
    report.requests = stores.requests();
}

fn output_report(run: &Run<'_>, stores: &Stores, name: &str, done: &Computed) -> OutputReport {
    let location = stores.output.location();
    let url = location
        .join(&format!("{}/{name}", run.job.name))
        .map_or_else(|_| name.to_owned(), |location| location.to_string());
    OutputReport {
        name: name.to_owned(),
        url,
        rows: done.collected.rows,
        filtered_rows: done.filtered_rows,
        files: 0,
        bytes: 0,
        partitions: done.collected.partitions.len() as u64,
        warnings: done.collected.true_rows.clone(),
    }
}

/// The report of the attempt that did the run, as its record keeps it.
fn already_done(run: &Run<'_>, stores: &Stores, record: &Record) -> Result<Report> {
    let summary = record
        .as_run()
        .map(|run| run.summary.clone())
        .unwrap_or_default();
    let mut report: Report = serde_json::from_value(summary).context(
        ErrorKind::Failed,
        format!(
            "record {} of job `{}` holds no report that this binary reads",
            record.number, run.job.name
        ),
    )?;
    report.status = Status::AlreadyDone;
    report.record = record.number;
    report.requests = stores.requests();
    Ok(report)
}
