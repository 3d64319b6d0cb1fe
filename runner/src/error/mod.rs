//! Failures: the kind that says what a caller can do, its exit code and error name, and the form that programs read.
//!
//! One table ([`exit::TABLE`]) maps each [`ErrorKind`] to the exit code of the process and to the error name that a
//! state machine sees. This folder uses no other folder of the crate.

#[expect(
    clippy::module_inception,
    reason = "the file is named by the type that it defines"
)]
mod error;
mod escape;
pub mod exit;
mod failure;
mod kind;

pub use error::{Cause, Context, Error, Result};
pub use escape::{in_line, printable};
pub use failure::Failure;
pub use kind::ErrorKind;
