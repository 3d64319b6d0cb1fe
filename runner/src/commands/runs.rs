//! `drivetrain runs`: a job's log, readable.

use crate::cli::LogArgs;
use crate::commit::{self, RunStatus};
use crate::error::Result;
use crate::job::logged::LoggedJob;
use crate::terminal::print;
use crate::terminal::stage_display::{grouped, size};

/// Lists the runs of a job, newest last.
///
/// # Errors
/// As [`LoggedJob::find`]; otherwise as the store says.
pub async fn runs(args: &LogArgs, json: bool) -> Result<()> {
    let LoggedJob { store, name } = LoggedJob::find(args).await?;
    let runs = commit::runs(&store, &name).await?;
    if json {
        return print::answer_json(&runs);
    }
    if runs.is_empty() {
        return print::answer(&format!("{name}: no runs\n"));
    }
    let mut list = format!(
        "{:>6}  {:<20}  {:<9}  {:>7}  {:>14}  {:>10}  run\n",
        "record", "committed", "status", "files", "rows", "size"
    );
    for run in runs {
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
    print::answer(&list)
}

fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Published => "published",
        RunStatus::Pending => "pending",
        RunStatus::Voided => "voided",
        RunStatus::Void => "void",
    }
}
