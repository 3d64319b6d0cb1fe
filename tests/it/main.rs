//! End-to-end tests through the real binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]
#![expect(
    clippy::print_stdout,
    reason = "whoever asks for a test's output reads what it counted"
)]

mod check_machines;
mod commit;
mod documents;
mod job_folders;
mod json_output;
mod logged_jobs;
mod mocks;
mod pipeline;
mod printing;
mod recorded_cases;
mod simulate;
mod simulate_buckets;
mod simulate_stopped;
mod store;
mod support;
mod test_folder;
mod test_state;
mod ways_out;
