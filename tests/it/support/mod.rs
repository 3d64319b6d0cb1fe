//! What tests share. No file here has a test.

// The binary, as users run it.

// A temporary folder, and the binary that runs in it.
pub mod sandbox;
// The exit code and the output of a process, and what tests assert of them.
pub mod process_output;
// Jobs that several tests run.
pub mod sample_jobs;
// State machines that several tests run.
pub mod sample_machines;

// Stores.

// The four backends on which the port of a store is tested.
pub mod backends;
// A real MinIO.
pub mod minio;
// An S3 server in this process.
pub mod s3_server;
// Its gate: holds requests back, or answers them as AWS would.
pub mod s3_gate;
// The instance metadata service of EC2, as far as credentials need it.
pub mod metadata_service;
// Decides for each call of a store whether it fails, and how.
pub mod fault_injector;
// A store that forwards to another one unless a fault is injected.
pub mod faulty_store;

// Runs without the binary, for the commit protocol.

// Runs of one small table.
pub mod test_run;
// The same step by step, for tests that act between two steps.
pub mod staged_run;
// What readers see of that table.
pub mod table_contents;
