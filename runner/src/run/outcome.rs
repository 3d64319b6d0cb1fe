//! The entry point of a run. One result determines its exit code, its report and the answer to its waiter.

use crate::callback::{Summary, Waiter};
use crate::error::{Failure, Result};
use crate::report::Report;
use crate::run::failed_run::FailedRun;
use crate::run::request::RunRequest;
use crate::run::row_path::run;

/// Prepares a request, runs it, and reports the end to the waiter, even if the request cannot be prepared.
///
/// `job` is the name on the command line, for a failure that comes before the job is read.
///
/// # Errors
/// Any error kind. If the run succeeded but its end could not be reported to the waiter, the waiter's error.
pub async fn execute<'a>(
    job: &str,
    prepared: impl Future<Output = Result<RunRequest<'a>>>,
    waiter: &dyn Waiter,
) -> Result<Report, FailedRun> {
    let ended = match prepared.await {
        Ok(request) => run(&request).await,
        Err(error) => Err(error.into()),
    };
    let summary = match &ended {
        Ok(report) => Summary::succeeded(report),
        Err(FailedRun { error, report }) => {
            Summary::failed(job, Failure::of(error), report.as_deref())
        }
    };
    match (waiter.ended(&summary).await, ended) {
        (Ok(()), ended) => ended,
        (Err(unanswered), Ok(report)) => Err(FailedRun {
            error: unanswered,
            report: Some(Box::new(report)),
        }),
        (Err(unanswered), Err(failed)) => {
            // The run's own failure is returned, because it is the one that the user must correct.
            tracing::error!(error = %unanswered, "cannot report the end of the run to the task that waits for it");
            Err(failed)
        }
    }
}
