//! The entry point of a run. One result determines its exit code, its report and the answer to its waiter.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::FutureExt;

use crate::callback::{Summary, Waiter};
use crate::error::{Error, ErrorKind, Failure, Result};
use crate::report::Report;
use crate::run::failed_run::FailedRun;
use crate::run::request::RunRequest;
use crate::run::row_path::run;

/// Prepares a request, runs it, and reports the end to the waiter, even if the request cannot be prepared.
///
/// `job` is the name on the command line, for a failure that comes before the job is read. A panic becomes a failure.
///
/// # Errors
/// Any error kind. If the run succeeded but its end could not be reported to the waiter, the waiter's error.
pub async fn execute<'a>(
    job: &str,
    prepared: impl Future<Output = Result<RunRequest<'a>>>,
    waiter: &dyn Waiter,
) -> Result<Report, FailedRun> {
    let began = Instant::now();
    let work = async {
        match prepared.await {
            Ok(request) => run(&request).await,
            Err(error) => Err(error.into()),
        }
    };
    // A panic is reported to the waiter like any failure. It is safe to catch, because no state of the run is used
    // afterwards.
    let ended = AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(panicked(&*panic).into()));
    let summary = match &ended {
        Ok(report) => Summary::succeeded(report, began.elapsed()),
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

/// Builds the error of a run that panicked.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = format!("the run panicked: {}", text.unwrap_or("no message"));
    Error::new(ErrorKind::Failed, message).hint(
        "this is a bug: please report it; `drivetrain runs` shows whether the run was committed",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;

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
    async fn a_run_that_panics_is_reported_once() {
        let waiter = Recorder::default();
        let prepared = async { panic!("index out of range") };
        let failed = execute("sales", prepared, &waiter).await.unwrap_err();
        assert_eq!(failed.error.kind(), ErrorKind::Failed);
        let ends = waiter.ends.lock().unwrap();
        assert_eq!(ends.len(), 1);
        assert!(format!("{:?}", ends[0]).contains("panicked: index out of range"));
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
