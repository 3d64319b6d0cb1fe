//! What commands take and print, whatever they do.

// What is refused with exit code 2, and the way out that the hint names.
mod usage;
// `--output-format json`: one document per command, also after a failure.
mod json_output;
// Closed pipes, full disks, and data that would control a terminal.
mod printing;
// Job folders as people write them, and as `new job` drafts them.
mod job_folders;
// How `runs`, `repair` and `vacuum` find the job that is meant.
mod logged_jobs;
