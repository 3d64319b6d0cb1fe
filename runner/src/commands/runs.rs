//! `drivetrain runs`: lists the runs in a job's log.

use serde::Serialize;

use crate::cli::LogArgs;
use crate::commit::{self, RunLine, RunStatus};
use crate::error::Result;
use crate::job::logged_job::LoggedJob;
use crate::report::{grouped, size};
use crate::store::Location;
use crate::terminal::printer::{Answer, ToText};

/// Lists the runs of a job, newest last.
///
/// # Errors
/// As [`LoggedJob::find`]; otherwise the kind of the store's error.
pub async fn runs(args: &LogArgs) -> Result<Answer> {
    let LoggedJob { store, name } =
        LoggedJob::find(&args.job, &Location::parse(&args.output)?).await?;
    let runs = commit::runs(&store, &name).await?;
    Ok(Answer::asked(Runs { job: name, runs }))
}

/// Answer that lists the runs of a job; its JSON is the list.
#[derive(Serialize)]
#[serde(transparent)]
struct Runs {
    /// Name of the job, which only the text output shows.
    #[serde(skip)]
    job: String,
    /// The runs in the log, newest last.
    runs: Vec<RunLine>,
}

impl ToText for Runs {
    fn text(&self) -> String {
        if self.runs.is_empty() {
            return format!("{}: no runs\n", self.job);
        }
        let mut list = format!(
            "{:>6}  {:<20}  {:<9}  {:>7}  {:>14}  {:>10}  run\n",
            "record", "committed", "status", "files", "rows", "size"
        );
        for run in &self.runs {
            list += &format!(
                "{:>6}  {:<20}  {:<9}  {:>7}  {:>14}  {:>10}  {}\n",
                run.number,
                run.committed.format("%Y-%m-%dT%H:%M:%SZ"),
                status(run.status),
                grouped(run.parts as u64),
                grouped(run.rows),
                size(run.size_bytes),
                run.run
            );
        }
        list
    }
}

/// Returns the word with which the list shows a run's status.
fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Published => "published",
        RunStatus::Pending => "pending",
        RunStatus::Voided => "voided",
        RunStatus::Void => "void",
    }
}
