//! The crate's integration tests: one binary, one file per subject.

mod cases;
mod corpus;
mod jayway;
mod measured;
mod mocks;
mod mutations;
mod task_cases;
