//! `drivetrain repair`: finishes an interrupted publish.

use serde::Serialize;

use crate::cli::LogArgs;
use crate::commit::{self, Repaired};
use crate::error::Result;
use crate::job::logged_job::LoggedJob;
use crate::store::Location;
use crate::terminal::printer::{Answer, ToText};

/// Finishes the publish of a job's last record, if it was interrupted.
///
/// # Errors
/// As [`LoggedJob::find`]; `TryAgain` if the publish cannot be finished now, or if files are lost and the record is now
/// void.
pub async fn repair(args: &LogArgs) -> Result<Answer> {
    let LoggedJob { store, name } =
        LoggedJob::find(&args.job, &Location::parse(&args.output)?).await?;
    let repaired = commit::repair(&store, &name).await?;
    Ok(Answer::done(RepairedJob {
        job: name,
        repaired,
    }))
}

/// Answer of `repair`; its JSON is the outcome.
#[derive(Serialize)]
#[serde(transparent)]
struct RepairedJob {
    /// Name of the job, which only the text output shows.
    #[serde(skip)]
    job: String,
    /// Outcome of the repair: the number of the record that is now published, or nothing to do.
    repaired: Repaired,
}

impl ToText for RepairedJob {
    fn text(&self) -> String {
        let done = match self.repaired {
            Repaired::NothingToDo => "nothing to repair".to_owned(),
            Repaired::Published(number) => format!("record {number} is now published"),
        };
        format!("{}: {done}\n", self.job)
    }
}
