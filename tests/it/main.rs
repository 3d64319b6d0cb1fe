//! End-to-end tests. Most of them run the real binary; those of stores and of the commit protocol call the library.
//!
//! The name of a test is the sentence that it proves. Tests that need more than this repository are ignored, with a
//! reason that says what they need. `.ci/run services` runs them.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(
    clippy::print_stdout,
    reason = "tests print what they counted, for `--nocapture`"
)]

// Code that tests share: the sandbox of the binary, sample jobs, backends, faults, runs of a small table.
mod support;

// Every implementation of the trait of stores, and the messages when a store fails.
mod store;
// The commit protocol, and attempts to break it.
mod commit;
// Runs of jobs: quality gate, memory, partitions, windows, interrupts.
mod pipeline;
// Runs for which a task of Step Functions waits: heartbeats, the fence, the one answer.
mod task_tokens;
// The catalog: tables that a run registers for other engines.
mod catalog;
// State machines: `check`, `simulate`, `test`, `test-state`, `mocks`.
mod machines;
// The command line and the output of commands.
mod command_line;
// The documents: their commands, outputs and tables are compared with the binary and the code.
mod documents;
// The document of the commit protocol and the model: they have the same steps and deviations.
mod protocol_document;
// The structure of the code: dependencies between crates and between rooms, circles of files.
mod architecture;
