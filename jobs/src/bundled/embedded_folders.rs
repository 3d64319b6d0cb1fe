//! The folders of the bundled jobs, embedded into the binary at build time.

use crate::job::JobFile;

/// Names of the bundled jobs, in the order in which they run.
pub const NAMES: [&str; 3] = [
    "rental_facts",
    "vehicle_location_metrics",
    "user_transaction_analysis",
];

/// Embeds the files of one job folder into the binary, as a [`Folder`].
macro_rules! folder {
    ($job:literal: $($file:literal),+) => {
        ($job, &[$(($file, include_str!(concat!("../../", $job, "/", $file)))),+])
    };
}

/// Name of a job folder, and the name and text of each of its files.
type Folder = (&'static str, &'static [(&'static str, &'static str)]);

/// The bundled job folders, whose files are beside this crate's `src`.
const FOLDERS: [Folder; 3] = [
    folder!("rental_facts": "job.toml", "rental_facts.sql", "user_overlaps.sql", "vehicle_overlaps.sql"),
    folder!(
        "vehicle_location_metrics": "job.toml",
        "brand_metrics.sql",
        "brand_totals.sql",
        "location_metrics.sql",
        "vehicle_type_metrics.sql"
    ),
    folder!(
        "user_transaction_analysis": "job.toml",
        "daily_metrics.sql",
        "day_of_week_metrics.sql",
        "hour_totals.sql",
        "hourly_metrics.sql",
        "user_metrics.sql",
        "user_totals.sql"
    ),
];

/// Returns the files of a bundled job, `None` if no bundled job has this name.
#[must_use]
pub fn files(name: &str) -> Option<Vec<JobFile>> {
    let (_, files) = FOLDERS.iter().find(|(job, _)| *job == name)?;
    Some(
        files
            .iter()
            .map(|(name, text)| JobFile {
                name: (*name).to_owned(),
                text: (*text).to_owned(),
            })
            .collect(),
    )
}
