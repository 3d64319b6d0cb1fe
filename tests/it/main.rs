//! End-to-end tests through the real binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]
#![expect(
    clippy::print_stdout,
    reason = "whoever asks for a test's output reads what it counted"
)]

mod commit;
mod documents;
mod job_folders;
mod json_output;
mod logged_jobs;
mod machines;
mod pipeline;
mod printing;
mod store;
mod support;
mod ways_out;
