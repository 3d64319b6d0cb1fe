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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::error::{Error, ErrorKind};

    /// A waiter that records what it receives, and can be told to fail.
    #[derive(Default)]
    struct Recorder {
        ends: Mutex<Vec<Summary>>,
        fails: bool,
    }

    #[async_trait]
    impl Waiter for Recorder {
        async fn ended(&self, summary: &Summary) -> Result<()> {
            self.ends.lock().unwrap().push(summary.clone());
            if self.fails {
                return Err(Error::new(ErrorKind::TryAgain, "the task does not answer"));
            }
            Ok(())
        }
    }

    async fn unprepared(waiter: &Recorder) -> FailedRun {
        let prepared = async { Err(Error::new(ErrorKind::InputMissing, "there is no such job")) };
        execute("sales", prepared, waiter).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_run_that_cannot_be_prepared_is_reported_once() {
        let waiter = Recorder::default();
        let failed = unprepared(&waiter).await;
        assert_eq!(failed.error.kind(), ErrorKind::InputMissing);
        let ends = waiter.ends.lock().unwrap();
        assert_eq!(ends.len(), 1);
        let end = format!("{:?}", ends[0]);
        assert!(
            end.contains("sales") && end.contains("no such job"),
            "{end}"
        );
    }

    #[tokio::test]
    async fn a_failed_report_does_not_hide_why_the_run_failed() {
        let waiter = Recorder {
            fails: true,
            ..Recorder::default()
        };
        let failed = unprepared(&waiter).await;
        assert_eq!(failed.error.kind(), ErrorKind::InputMissing);
        assert_eq!(waiter.ends.lock().unwrap().len(), 1);
    }
}
