//! `drivetrain vacuum`: removes the leftovers of attempts that never committed.

use std::time::Duration;

use serde::Serialize;

use crate::cli::{VacuumArgs, duration};
use crate::commit::{self, VacuumOptions, Vacuumed};
use crate::error::Result;
use crate::job::logged_job::LoggedJob;
use crate::store::Location;
use crate::terminal::printer::{Answer, ToText};

/// Removes leftovers of old attempts from a job's output root, and counts them.
///
/// # Errors
/// `Usage` for an invalid age; as [`LoggedJob::find`]; otherwise the kind of the store's error.
pub async fn vacuum(args: &VacuumArgs) -> Result<Answer> {
    let options = VacuumOptions {
        quarantine: args
            .quarantine_older_than
            .as_deref()
            .map(duration)
            .transpose()?,
        ..VacuumOptions::default()
    };
    let LoggedJob { store, name } =
        LoggedJob::find(&args.log.job, &Location::parse(&args.log.output)?).await?;
    let vacuumed = commit::vacuum(&store, &name, options).await?;
    Ok(Answer::done(VacuumedJob {
        job: name,
        retention: options.retention,
        vacuumed,
    }))
}

/// Answer of `vacuum`; its JSON counts what was removed and kept.
#[derive(Serialize)]
#[serde(transparent)]
struct VacuumedJob {
    /// Name of the job, which only the text output shows.
    #[serde(skip)]
    job: String,
    /// Age that an attempt's newest note must have before the attempt is removed; a younger attempt counts as active.
    #[serde(skip)]
    retention: Duration,
    /// The removed attempts, and the numbers of removed files and of kept attempts.
    vacuumed: Vacuumed,
}

impl ToText for VacuumedJob {
    fn text(&self) -> String {
        let Self { job, vacuumed, .. } = self;
        let mut text = format!(
            "{job}: removed {} attempts, {} uploads, {} temporary files and {} quarantine files\n",
            vacuumed.attempts.len(),
            vacuumed.uploads,
            vacuumed.temporary,
            vacuumed.quarantine
        );
        if let Some(number) = vacuumed.voided {
            text += &format!(
                "  record {number} was lost before its parts were published, and is now void: run the job again\n"
            );
        }
        if vacuumed.kept > 0 {
            let hours = self.retention.as_secs() / 3_600;
            text += &format!(
                "  kept {} attempts that were active in the last {hours} h or could not be removed\n",
                vacuumed.kept
            );
        }
        text
    }
}
