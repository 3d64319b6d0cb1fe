//! Jobs by name: job folders, and jobs that have a log below an output root.

pub(crate) mod job_folder;
pub(crate) mod logged_job;
