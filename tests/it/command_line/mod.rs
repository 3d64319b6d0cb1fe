//! The command line and the output of commands in general.

// Usage errors: exit code 2, and a hint with the correction.
mod usage;
// `--output-format json`: one document per command, even after a failure.
mod json_output;
// Printing into closed pipes and full disks, and printing data with control characters.
mod printing;
// Job folders that a person wrote, and those that `new job` drafts.
mod job_folders;
// `runs`, `repair` and `vacuum` find the job that a user means.
mod logged_jobs;
