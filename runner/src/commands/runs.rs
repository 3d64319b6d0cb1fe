//! `drivetrain runs`: a job's log, readable.

use super::repair::open;
use crate::cli::LogArgs;
use crate::commit::{self, RunStatus};
use crate::display::{grouped, size};
use crate::error::Result;
use crate::print;

/// Lists the runs of a job, newest last.
///
/// # Errors
/// As the store says.
pub async fn runs(args: &LogArgs, json: bool) -> Result<()> {
    let store = open(args).await?;
    let runs = commit::runs(&store, &args.job).await?;
    if json {
        return print::answer_json(&runs);
    }
    if runs.is_empty() {
        return print::answer(&format!("{}: no runs\n", args.job));
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
