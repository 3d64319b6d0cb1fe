//! `drivetrain repair`: finishes a publish that was cut off.

use serde::Serialize;

use crate::cli::LogArgs;
use crate::commit::{self, Repaired};
use crate::error::Result;
use crate::job::logged::LoggedJob;
use crate::store::Location;
use crate::terminal::printer::{Answer, ToText};

/// Finishes the publish of a job's last record and says what was to be done.
///
/// # Errors
/// As [`LoggedJob::find`]; `TryAgain` where it cannot be finished, or was lost and is void now.
pub async fn repair(args: &LogArgs) -> Result<Answer> {
    let LoggedJob { store, name } =
        LoggedJob::find(&args.job, &Location::parse(&args.output)?).await?;
    let repaired = commit::repair(&store, &name).await?;
    Ok(Answer::done(RepairedJob {
        job: name,
        repaired,
    }))
}

/// What was done to a job's log; a program reads that alone.
#[derive(Serialize)]
#[serde(transparent)]
struct RepairedJob {
    #[serde(skip)]
    job: String,
    repaired: Repaired,
}

impl ToText for RepairedJob {
    fn text(&self) -> String {
        let done = match self.repaired {
            Repaired::NothingToDo => "nothing to repair".to_owned(),
            Repaired::Published(number) => format!("record {number} is published now"),
        };
        format!("{}: {done}\n", self.job)
    }
}
