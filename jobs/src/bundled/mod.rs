//! The jobs that come with the binary.

pub(crate) mod folders;
mod jobs;

#[cfg(test)]
mod tests;

pub use self::folders::{NAMES, files};
pub use self::jobs::{job, jobs};
