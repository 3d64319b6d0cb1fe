//! `drivetrain run`: runs one job once.

use crate::callback::{NoWaiter, Waiter, WaitingTask};
use crate::cli::{RunArgs, TaskArgs};
use crate::commit::{Fence, Unfenced};
use crate::error::{Error, Result};
use crate::job::job_folder::JobFolder;
use crate::report::Report;
use crate::run::failed_run::FailedRun;
use crate::run::outcome::execute;
use crate::run::request::RunRequest;
use crate::terminal::printer::{Answer, ToText};
use crate::terminal::signals;
use crate::terminal::stage_display::Display;
use crate::terminal::stderr::note;
use crate::watch::{StopSignal, Stopper};

/// Runs one job and returns its report; Ctrl-C and SIGTERM stop the run. With a task token, the run keeps the task alive
/// and answers it.
///
/// # Errors
/// As [`execute`]; before it, `Usage` for an invalid token, and as [`WaitingTask::open`] if a task waits.
pub async fn run(args: &RunArgs) -> Result<Answer, FailedRun> {
    let (stopper, stop) = signals::listen_with_stopper()?;
    let report = match waiting_task(&args.task, stopper, &stop).await? {
        None => run_for(args, &stop, &Unfenced, &NoWaiter).await?,
        Some(task) => run_for(args, &stop, &task, &task).await?,
    };
    Ok(Answer::done(report))
}

/// Answers the task that waits for a run, if there is one, with the error of a command line that is invalid.
///
/// # Errors
/// `Usage` for an invalid token; as [`WaitingTask::open`].
pub async fn refuse(task: &TaskArgs, error: &Error) -> Result<()> {
    let (stopper, stop) = signals::listen_with_stopper()?;
    if let Some(task) = waiting_task(task, stopper, &stop).await? {
        let mut invalid = Error::new(error.kind(), error.to_string());
        if let Some(hint) = error.hint_text() {
            invalid = invalid.hint(hint);
        }
        let unprepared = async { Err(invalid) };
        // The failure is the caller's own, which prints it.
        execute("", unprepared, &task).await.err();
    }
    Ok(())
}

/// Returns the task that waits for the run, after its first heartbeat; `None` if no task waits.
async fn waiting_task(
    args: &TaskArgs,
    stopper: Stopper,
    stop: &StopSignal,
) -> Result<Option<WaitingTask>> {
    let Some(token) = args.token()? else {
        return Ok(None);
    };
    // A task is answered even if these settings are invalid: the run then fails with their error.
    let heartbeats = args.heartbeats().unwrap_or_default();
    WaitingTask::open(token, heartbeats, stopper, stop.clone())
        .await
        .map(Some)
}

/// Runs the job for a process that waits for its end and decides whether it may commit.
async fn run_for(
    args: &RunArgs,
    stop: &StopSignal,
    fence: &dyn Fence,
    waiter: &dyn Waiter,
) -> Result<Report, FailedRun> {
    let started_at = chrono::Utc::now();
    let stages = Display::new();
    let prepare = async {
        args.task.heartbeats()?;
        let args = &args.request;
        let settings = args.settings()?;
        let job = JobFolder::read(&args.job).await?.job().await?;
        note(&job.name);
        Ok(RunRequest {
            job,
            settings,
            fence,
            stop,
            stages: &stages,
            started_at,
        })
    };
    Box::pin(execute(&args.request.job, prepare, waiter)).await
}

impl ToText for Report {
    fn text(&self) -> String {
        Self::text(self)
    }
}
