//! End-to-end tests through the real binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]
#![expect(
    clippy::print_stdout,
    reason = "whoever asks for a test's output reads what it counted"
)]

mod command_line;
mod commit;
mod documents;
mod machines;
mod pipeline;
mod store;
mod support;
