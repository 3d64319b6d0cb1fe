//! `drivetrain run`: runs one job once.

use crate::callback::NoWaiter;
use crate::cli::RunArgs;
use crate::commit::Unfenced;
use crate::job::job_folder::JobFolder;
use crate::report::Report;
use crate::run::failed_run::FailedRun;
use crate::run::outcome::execute;
use crate::run::request::RunRequest;
use crate::terminal::printer::{Answer, ToText};
use crate::terminal::signals;
use crate::terminal::stage_display::Display;
use crate::terminal::stderr::note;

/// Runs one job and returns its report; Ctrl-C and SIGTERM stop the run.
///
/// # Errors
/// As [`execute`].
pub async fn run(args: &RunArgs) -> Result<Answer, FailedRun> {
    let args = &args.request;
    let started_at = chrono::Utc::now();
    let stop = signals::listen()?;
    let stages = Display::new();
    let prepare = async {
        let settings = args.settings()?;
        let job = JobFolder::read(&args.job).await?.job().await?;
        note(&job.name);
        Ok(RunRequest {
            job,
            settings,
            fence: &Unfenced,
            stop: &stop,
            stages: &stages,
            started_at,
        })
    };
    let report = Box::pin(execute(&args.job, prepare, &NoWaiter)).await?;
    Ok(Answer::done(report))
}

impl ToText for Report {
    fn text(&self) -> String {
        Self::text(self)
    }
}
