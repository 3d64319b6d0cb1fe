//! `drivetrain repair`: finishes a publish that was cut off.

use crate::cli::LogArgs;
use crate::commit::{self, Repaired};
use crate::error::Result;
use crate::print;
use crate::store::{Location, S3Settings, Store};

/// Finishes the publish of a job's last record and says what was to be done.
///
/// # Errors
/// `TryAgain` where it cannot be finished, or was lost and is void now.
pub async fn repair(args: &LogArgs, json: bool) -> Result<()> {
    let store = open(args).await?;
    let repaired = commit::repair(&store, &args.job).await?;
    if json {
        return print::outcome_json(&repaired);
    }
    let done = match repaired {
        Repaired::NothingToDo => "nothing to repair".to_owned(),
        Repaired::Published(number) => format!("record {number} is published now"),
    };
    print::outcome(&format!("{}: {done}\n", args.job));
    Ok(())
}

/// The store of the tables.
///
/// # Errors
/// As the store says.
pub(super) async fn open(args: &LogArgs) -> Result<Store> {
    Store::open(&Location::parse(&args.output)?, &S3Settings::default()).await
}
