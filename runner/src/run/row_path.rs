//! One run of one job: the path of a row, from raw objects to a published table.
//!
//! ```text
//!   freeze -> identify -> read -> compute -> check -> write -> commit -> publish -> register -> report
//!   (1, 2)                (decode, quarantine)       (3, 4)    (5, 6)    (7)
//! ```
//!
//! The numbers are those of the steps in `docs/commit-protocol.md`.

use std::collections::BTreeMap;
use std::sync::Arc;

use drivetrain_jobs::plan::reread_outputs;

use crate::commit::{self, Attempt, CommitOutcome, Decision, PublishOutcome, StagedPart};
use crate::error::{Error, ErrorKind, Result};
use crate::report::{OutputReport, Report};
use crate::run::check::check;
use crate::run::compute::{Computed, Destination, compute};
use crate::run::control_totals::sum_older_parts;
use crate::run::failed_run::FailedRun;
use crate::run::freeze::{FrozenInput, FrozenInputs, freeze};
use crate::run::identify::{bind, identify, open_options};
use crate::run::outputs;
use crate::run::read::read;
use crate::run::register::register;
use crate::run::request::{RunInProgress, RunRequest};
use crate::run::roots::Roots;
use crate::run::run_report::{RunReport, already_done};
use crate::sink::write::write;
use crate::sql::workspace::Workspace;
use crate::store::FrozenObject;

/// The largest number of attempts that [`run`] makes. It makes another attempt if the store dropped the uploads of the
/// last one.
const MOST_STARTS: usize = 3;

/// Runs a job. If the log already holds the same run and `--force` is not set, returns that run's report without
/// reading rows.
pub(crate) async fn run(request: &RunRequest<'_>) -> Result<Report, FailedRun> {
    let parameters = bind(&request.job, &request.settings)?;
    let opening = Box::pin(Roots::open(&request.job, &request.settings));
    let roots = request.stop.or_cancelled(opening).await?;
    let counted = roots.clone();
    request
        .stages
        .counts_requests(Arc::new(move || counted.requests().values().sum()));
    let run = RunInProgress {
        request,
        parameters,
        roots,
    };
    for _ in 0..MOST_STARTS {
        if let Some(report) = Box::pin(attempt_run(&run)).await? {
            return Box::pin(register(&run, report)).await;
        }
        let restarting = request.fence.starts_over();
        request.stop.or_cancelled(restarting).await?;
    }
    Err(Error::new(
        ErrorKind::TryAgain,
        format!("the store dropped the uploads of job `{}` {MOST_STARTS} times before they were published", request.job.name),
    )
    .hint("set the bucket's lifecycle rule for incomplete uploads to more time than a run takes")
    .into())
}

/// Makes one attempt, from reading the log to publishing the record. Returns `None` if another attempt is needed,
/// because the store dropped uploads of this attempt's record or of the record before it.
async fn attempt_run(run: &RunInProgress<'_>) -> Result<Option<Report>, FailedRun> {
    let (inputs, attempt) = match run.stop().or_cancelled(open_attempt(run)).await? {
        Begun::AlreadyDone(report) => return Ok(Some(*report)),
        Begun::Attempt(inputs, attempt) => (inputs, attempt),
    };
    let mut report = RunReport::new(run, &attempt);
    let staging = stage_outputs(run, &inputs, &attempt, &mut report);
    let (parts, rows) = match run.stop().or_cancelled(staging).await {
        Ok(staged) => staged,
        Err(error) => {
            attempt.abandon(run.stop()).await;
            let error = commit::name_replacer(&run.roots.output, error).await;
            return Err(report.failed_before_commit(error).await);
        }
    };
    let summary = report.summary()?;
    let publishing = run.request.stages.stage("publish");
    let failed = |error| report.failed(error);
    let staged = attempt.stage(parts, &rows, summary).await.map_err(failed)?;
    let committing = staged.commit(run.request.fence, run.stop());
    let committed = match committing.await.map_err(failed)? {
        CommitOutcome::Committed(committed) => committed,
        CommitOutcome::AlreadyDone(record) => {
            return Ok(Some(already_done(run, &record, None).await?));
        }
        CommitOutcome::StartAgain => return Ok(None),
    };
    match committed.publish(run.stop()).await.map_err(failed)? {
        PublishOutcome::StartAgain => Ok(None),
        PublishOutcome::Published(published) => {
            report.end(publishing);
            Ok(Some(report.published(&published).await))
        }
    }
}

/// The decision after the log was read and the inputs were frozen: the run is already done, or an attempt begins.
enum Begun {
    /// A live record holds the result of the same run; this is its report.
    AlreadyDone(Box<Report>),
    /// The run must be executed: the frozen inputs, and the attempt that has begun.
    Attempt(FrozenInputs, Attempt),
}

/// Opens the log, freezes the inputs and identifies the run. The future may be dropped at any time, because nothing is
/// staged yet.
async fn open_attempt(run: &RunInProgress<'_>) -> Result<Begun> {
    let (job, settings) = (run.job(), run.settings());
    let plans = outputs::plans(job, &run.parameters);
    let opened = commit::open(&run.roots.output, &job.name, plans, open_options(settings)).await?;
    let inputs = freeze(job, &opened, &run.roots).await?;
    let id = identify(job, settings, &inputs)?;
    let decision = opened
        .decide(id, &consumed(&inputs), settings.force)
        .await?;
    Ok(match decision {
        Decision::AlreadyDone { record, state } => {
            Begun::AlreadyDone(already_done(run, &record, Some(&state)).await?.into())
        }
        Decision::Run(attempt) => Begun::Attempt(inputs, attempt),
    })
}

/// The staged parts, and the number of rows that they must hold in each table.
type StagedOutputs = (Vec<StagedPart>, BTreeMap<String, u64>);

/// Runs all stages between the frozen inputs and the commit. Readers see nothing that these stages write, so the future
/// may be dropped at any time.
async fn stage_outputs(
    run: &RunInProgress<'_>,
    inputs: &FrozenInputs,
    attempt: &Attempt,
    report: &mut RunReport<'_>,
) -> Result<StagedOutputs> {
    let (job, settings, watched) = (run.job(), run.settings(), run.request.stages);
    let workspace = Workspace::new(&settings.engine)?;

    let reading = watched.stage("read");
    let sources = match read(run, attempt, inputs, &workspace, &reading.progress).await {
        Ok(sources) => sources,
        Err(refused) => {
            report.found.inputs = refused.inputs;
            report.found.quarantine = refused.quarantine;
            return Err(refused.error);
        }
    };
    let accepted_rows = sources.accepted_rows();
    report.found.inputs = sources.inputs;
    report.found.quarantine = sources.quarantine;
    report.found.spilled_bytes = sources.spilled_bytes;
    report.end(reading);

    let computing = watched.stage("compute");
    let destination = Destination {
        stager: attempt.stager(),
        shape: &settings.shape,
        kept: reread_outputs(&workspace.context, job, &settings.checks)?,
    };
    let computed = compute(
        run,
        &accepted_rows,
        &workspace,
        &destination,
        &computing.progress,
    )
    .await?;
    report.end(computing);

    let checking = watched.stage("check");
    report.found.checks = check(run, &workspace.context, &computed).await?;
    report.end(checking);

    let writing = watched.stage("write");
    let mut parts = Vec::new();
    let mut rows = BTreeMap::new();
    for (output, done) in job.outputs.iter().zip(computed) {
        let table = outputs::table(output, &settings.shape, &workspace);
        let mut entry = output_report(run, &output.name, &done);
        report.found.spilled_bytes += done.collected.held.spilled_bytes();
        rows.insert(output.name.clone(), entry.rows);
        let stager = &destination.stager;
        let written = write(stager, &table, done.collected, &writing.progress).await?;
        entry.files = written.len() as u64;
        entry.bytes = written.iter().map(|part| part.part().size_bytes).sum();
        report.found.outputs.push(entry);
        parts.extend(written);
    }
    sum_older_parts(run, attempt).await;
    report.end(writing);
    Ok((parts, rows))
}

/// Returns the objects that the run consumes, so that no later append reads them.
fn consumed(inputs: &FrozenInputs) -> Vec<FrozenObject> {
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

/// Builds the report of an output before its files are written.
fn output_report(run: &RunInProgress<'_>, name: &str, done: &Computed) -> OutputReport {
    let location = run.roots.output.location();
    let url = location
        .join(&format!("{}/{name}", run.job().name))
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
        live: None,
    }
}
