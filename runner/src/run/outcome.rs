//! The end of a run: the only caller of the run, from which exit code, report and answer follow.

use crate::callback::{Summary, Waiter};
use crate::error::{Failure, Result};
use crate::report::Report;
use crate::run::failed_run::FailedRun;
use crate::run::request::RunRequest;
use crate::run::row_path::run;

/// Prepares a request, runs it, and tells the waiter how it ended; a request that cannot be prepared is answered too.
///
/// `job` is the name on the command line, for a failure that comes before the job is read.
///
/// # Errors
/// Each kind of the exit table: what is wrong, where, and what can be done about it. If the run succeeded and its waiter could
/// not be told, the waiter's error.
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
            // The cause of the run's failure says more than the failed answer.
            tracing::error!(error = %unanswered, "the end of the run could not be reported");
            Err(failed)
        }
    }
}
