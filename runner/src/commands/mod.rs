//! Verbs of the command line, one file each.
//!
//! A verb returns a value that renders itself as text and as JSON; only the printer knows the format.

pub(crate) mod check;
pub(crate) mod generate;
pub(crate) mod jobs;
pub(crate) mod local;
pub(crate) mod mocks;
pub(crate) mod new_job;
pub(crate) mod new_machine;
pub(crate) mod plan;
pub(crate) mod query;
pub(crate) mod repair;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod simulate;
pub(crate) mod test;
pub(crate) mod test_state;
pub(crate) mod vacuum;
