//! End-to-end tests through the real binary.

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
mod bad_input;
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
mod harness;
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
mod pipeline;
