//! Parses the bundled jobs.

use super::embedded_folders::{NAMES, files};
use crate::job::Job;

/// Parses a bundled job; `None` if no bundled job has this name.
///
/// # Panics
/// Never: the crate's tests parse and check every bundled job.
#[must_use]
pub fn job(name: &str) -> Option<Job> {
    let files = files(name)?;
    Some(Job::parse(files, &|_| None).expect("the bundled jobs are parsed by the tests"))
}

/// Parses the bundled jobs, in the order in which they run.
///
/// # Panics
/// Never: the crate's tests parse and check every bundled job.
#[must_use]
pub fn jobs() -> Vec<Job> {
    NAMES.iter().filter_map(|name| job(name)).collect()
}
