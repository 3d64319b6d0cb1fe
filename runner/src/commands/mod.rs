//! One file per verb of the command line; each returns an answer that knows how to print itself.

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
