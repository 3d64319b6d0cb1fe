//! End-to-end tests through the real binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]
#![expect(
    clippy::print_stdout,
    reason = "whoever asks for a test's output reads what it counted"
)]

mod append;
mod bad_cloud;
mod bad_input;
mod bad_objects;
mod bad_values;
mod bad_volume;
mod catalog_types;
mod check_machines;
mod commit;
mod commit_crashes;
mod commit_cut_off;
mod commit_faults;
mod commit_late;
mod commit_random;
mod commit_vacuum;
mod commit_work;
mod documents;
mod harness;
mod job_folders;
mod json_output;
mod logged_jobs;
mod metadata_service;
mod mocks;
mod partitioned;
mod pipeline;
mod printing;
mod protocol_document;
mod protocol_steps;
mod pruning;
mod readers;
mod recorded_cases;
mod s3_gate;
mod simulate;
mod simulate_buckets;
mod simulate_stopped;
mod stops;
mod store;
mod store_faults;
mod store_places;
mod test_folder;
mod test_state;
mod ways_out;
