//! The report of a run: each stage adds to it, and the end of the run stores it.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::Value;
use tracing::warn;

use crate::commit::{self, Attempt, Published, Record, State};
use crate::error::{Context, Error, ErrorKind, Failure, Result};
use crate::report::{self, Report, StageReport, Status};
use crate::run::control_totals::add_live_tables;
use crate::run::failed_run::FailedRun;
use crate::run::request::RunInProgress;
use crate::sql::memory::peak_resident_bytes;
use crate::store::Store;
use crate::watch::Stage;

/// The report of one attempt, to which each stage adds.
pub(crate) struct RunReport<'a> {
    /// The run that the report describes; its roots count the requests, and its output store holds the report.
    run: &'a RunInProgress<'a>,
    /// The key at which the report is stored.
    key: Path,
    /// The report so far; each stage adds its findings.
    pub found: Report,
}

impl<'a> RunReport<'a> {
    /// Starts the report of an attempt that has done nothing yet.
    pub fn new(run: &'a RunInProgress<'a>, attempt: &Attempt) -> Self {
        let started_at = run.request.started_at;
        let found = Report {
            version: report::VERSION,
            status: Status::Committed,
            job: run.job().name.clone(),
            run_id: attempt.run().to_string(),
            attempt_id: attempt.id().to_string(),
            record: 0,
            started_at: started_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            parameters: run.settings().parameters.clone(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            checks: Vec::new(),
            quarantine: None,
            url: None,
            registered: None,
            error: None,
            stages: Vec::new(),
            peak_memory_bytes: 0,
            spilled_bytes: 0,
            requests: BTreeMap::new(),
            emr: run.settings().emr.clone(),
            versions: report::versions(),
        };
        Self {
            run,
            key: attempt.report_key(),
            found,
        }
    }

    /// Ends a stage and adds its duration to the report.
    pub fn end(&mut self, stage: Stage<'_>) {
        let name = stage.name;
        self.found
            .stages
            .push(StageReport::new(name, stage.finish()));
    }

    /// Returns the report as JSON, for the record of the run.
    ///
    /// # Errors
    /// `Failed` only because of a bug: a report can always be written as JSON.
    pub fn summary(&mut self) -> Result<Value> {
        self.measure();
        serde_json::to_value(&self.found).context(
            ErrorKind::Failed,
            "the report cannot be converted to JSON; this is a bug",
        )
    }

    /// Finishes the report of a published run and stores it.
    pub async fn published(mut self, published: &Published) -> Report {
        self.found.record = published.record().number;
        let output = &self.run.roots.output;
        let outputs = &mut self.found.outputs;
        let adding = async {
            let state = published.state().await?;
            add_live_tables(self.run.job(), &state, output, outputs).await;
            Ok::<_, Error>(())
        };
        // The run is published, whatever is known of the whole tables.
        if let Some(Err(error)) = self.run.stop().grace(adding).await {
            warn!(%error, "the numbers of the live tables are not known");
        }
        self.measure();
        self.found.url = Some(output.location().url(&self.key));
        if !store(&self.found, &self.key, output).await {
            self.found.url = None;
        }
        self.found
    }

    /// Adds the report to a failure after all parts are staged: of the verification, the fence, the commit or the
    /// publish. The report is not stored, because the run may be committed, and then the log has its report.
    pub fn failed(&self, error: Error) -> FailedRun {
        let report = Some(Box::new(self.as_failed()));
        FailedRun { error, report }
    }

    /// Adds the report to a failure before all parts are staged. Stores the report too, unless the failure is
    /// `TryAgain`, as when the store does not answer, or a stop interrupts it.
    pub async fn failed_before_commit(self, error: Error) -> FailedRun {
        let mut report = self.as_failed();
        report.error = Some(Failure::of(&error));
        if error.kind() != ErrorKind::TryAgain {
            let storing = store(&report, &self.key, &self.run.roots.output);
            self.run.stop().unless(storing).await;
        }
        let report = Some(Box::new(report));
        FailedRun { error, report }
    }

    /// Returns a copy of the report with the status of a failed run.
    fn as_failed(&self) -> Report {
        let mut report = self.found.clone();
        report.status = Status::Failed;
        report.peak_memory_bytes = peak_resident_bytes();
        report.requests = self.run.roots.requests();
        report
    }

    /// Sets the peak memory and the number of requests so far.
    fn measure(&mut self) {
        self.found.peak_memory_bytes = peak_resident_bytes();
        self.found.requests = self.run.roots.requests();
    }
}

/// Returns the report in the record of a run that is done, with the status [`Status::AlreadyDone`]. `state` is the live
/// state of the job, if it is known.
///
/// # Errors
/// `Failed` for a record whose report this binary cannot read.
pub(crate) async fn already_done(
    run: &RunInProgress<'_>,
    record: &Record,
    state: Option<&State>,
) -> Result<Report> {
    let summary = record
        .as_run()
        .map(|run| run.summary.clone())
        .unwrap_or_default();
    let mut report: Report = serde_json::from_value(summary)
        .context(
            ErrorKind::Failed,
            format!(
                "this binary cannot read the report in record {} of job `{}`",
                record.number,
                run.job().name
            ),
        )
        .map_err(|error| {
            error.hint("use the version of drivetrain that wrote this record, or a later one")
        })?;
    report.status = Status::AlreadyDone;
    report.record = record.number;
    let output = &run.roots.output;
    if let Some(state) = state {
        add_live_tables(run.job(), state, output, &mut report.outputs).await;
    }
    report.url = stored_url(run, record).await;
    report.requests = run.roots.requests();
    Ok(report)
}

/// Returns the URL of the report that was stored when a run was published; `None` if it is not there.
async fn stored_url(run: &RunInProgress<'_>, record: &Record) -> Option<String> {
    let key = commit::report_key(&run.job().name, record.as_run()?);
    let store = &run.roots.output;
    let is_stored = store.reader().head(&key).await.is_ok();
    is_stored.then(|| store.location().url(&key))
}

/// Stores a report beside the log. Returns `false` after a failure, which is only a warning, because it does not
/// change how the run ended.
async fn store(report: &Report, key: &Path, store: &Store) -> bool {
    let written = async {
        let body = serde_json::to_vec_pretty(report).context(
            ErrorKind::Failed,
            "the report cannot be converted to JSON; this is a bug",
        )?;
        store.put(key, body.into()).await
    };
    let written = written.await;
    if let Err(error) = &written {
        warn!(%error, status = ?report.status, "cannot store the run's report");
    }
    written.is_ok()
}
