//! The example job that `drivetrain new job` writes.

use crate::job::{JOB_FILE, JobFile};

/// Name of the folder in the example job that holds sample data, in its subfolder `raw/`. The job reads the data if it
/// runs with `--input <job>/sample`.
pub const SAMPLE_FOLDER: &str = "sample";

/// Returns the files of a small job that shows nearly every feature, with sample data to run it on.
#[must_use]
pub fn example(job: &str) -> Vec<JobFile> {
    let file = |name: String, text: &str| JobFile {
        name,
        text: text.to_owned(),
    };
    vec![
        file(
            JOB_FILE.to_owned(),
            &include_str!("example/job.toml").replace("{job}", job),
        ),
        file(
            "daily_sales.sql".to_owned(),
            include_str!("example/daily_sales.sql"),
        ),
        file(
            format!("{SAMPLE_FOLDER}/raw/orders/orders.csv"),
            include_str!("example/orders.csv"),
        ),
        file(
            format!("{SAMPLE_FOLDER}/raw/shops/shops.csv"),
            include_str!("example/shops.csv"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

    #[tokio::test]
    async fn the_example_is_valid() {
        let checked = Job::check(example("first_job"), &|_| None).await;
        assert_eq!(
            checked
                .map(|job| job.name)
                .map_err(|problems| problems.to_string()),
            Ok("first_job".to_owned())
        );
    }
}
