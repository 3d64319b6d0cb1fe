//! Verbs of the command line, one file each.
//!
//! A verb returns an answer that can be rendered as text and as JSON; only the printer knows which format the user
//! wants.

pub(crate) mod check;
pub(crate) mod generate;
pub(crate) mod jobs;
pub(crate) mod local;
pub(crate) mod mocks;
pub(crate) mod new_job;
pub(crate) mod new_machine;
pub(crate) mod plan;
pub(crate) mod query;
pub(crate) mod register;
pub(crate) mod repair;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod simulate;
pub(crate) mod test;
pub(crate) mod test_state;
pub(crate) mod vacuum;
