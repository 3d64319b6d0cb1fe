//! The jobs that are embedded into the binary, and can be run by their names.

pub(crate) mod embedded_folders;
mod parsed_jobs;

#[cfg(test)]
mod tests;

pub use self::embedded_folders::{NAMES, files};
pub use self::parsed_jobs::{job, jobs};
