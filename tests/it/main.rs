//! End-to-end tests: most of them run the real binary, those of stores and of the commit protocol call the library.
//!
//! A test is named by the sentence that it proves. Tests that need more than the tree are ignored and say what they need;
//! `.ci/run services` runs them.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![expect(
    clippy::print_stdout,
    reason = "tests print what they counted, for `--nocapture`"
)]

// What tests share: the sandbox of the binary, sample jobs, backends, faults, runs of a small table.
mod support;

// Every implementation of the store's port, its faults and their messages.
mod store;
// The commit protocol, and what was tried against it.
mod commit;
// What runs read and write: gates, memory, partitions, windows, interrupts.
mod pipeline;
// State machines: `check`, `simulate`, `test`, `test-state`, `mocks`.
mod machines;
// What commands take and print.
mod command_line;
// What the documents promise: commands that run, outputs that are compared, tables that are true.
mod documents;
// The commit protocol's document and its model: the same steps, the same deviations.
mod protocol_document;
// The shape of the code: edges between crates, the law of rooms, circles of files.
mod architecture;
