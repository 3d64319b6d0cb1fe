//! `drivetrain repair`: finishes a publish that was cut off.

use crate::cli::LogArgs;
use crate::commit::{self, Repaired};
use crate::error::Result;
use crate::job::logged::LoggedJob;
use crate::terminal::print;

/// Finishes the publish of a job's last record and says what was to be done.
///
/// # Errors
/// As [`LoggedJob::find`]; `TryAgain` where it cannot be finished, or was lost and is void now.
pub async fn repair(args: &LogArgs, json: bool) -> Result<()> {
    let LoggedJob { store, name } = LoggedJob::find(args).await?;
    let repaired = commit::repair(&store, &name).await?;
    if json {
        return print::outcome_json(&repaired);
    }
    let done = match repaired {
        Repaired::NothingToDo => "nothing to repair".to_owned(),
        Repaired::Published(number) => format!("record {number} is published now"),
    };
    print::outcome(&format!("{name}: {done}\n"));
    Ok(())
}
