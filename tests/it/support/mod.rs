//! Code that tests share. No file here contains a test.

// The binary, as users run it.

// A temporary folder, and the binary that runs in it.
pub mod sandbox;
// The exit code and the output of a process, and assertions about them.
pub mod process_output;
// Jobs that several tests run.
pub mod sample_jobs;
// State machines that several tests run.
pub mod sample_machines;

// Stores.

// The four backends on which the store's trait is tested.
pub mod backends;
// A real MinIO.
pub mod minio;
// An S3 server in this process.
pub mod s3_server;
// The gate of that server: it holds requests back, or answers them as AWS would.
pub mod s3_gate;
// The instance metadata service of EC2, as far as credentials and notices of spot interruptions need it.
pub mod metadata_service;
// A catalog in memory.
pub mod memory_catalog;
// The task API of Step Functions.
pub mod task_server;
// Chooses a fault for each call of a store.
pub mod fault_injector;
// A store that forwards to another one unless a fault is injected.
pub mod faulty_store;

// Runs in this process, for the commit protocol.

// Runs of one small table.
pub mod test_run;
// The same runs step by step, for tests that act between two steps.
pub mod staged_run;
// The contents of that table, as readers see them.
pub mod table_contents;
