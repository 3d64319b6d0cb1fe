//! The jobs that are bundled with the binary.

pub(crate) mod embedded_folders;
mod jobs;

#[cfg(test)]
mod tests;

pub use self::embedded_folders::{NAMES, files};
pub use self::jobs::{job, jobs};
