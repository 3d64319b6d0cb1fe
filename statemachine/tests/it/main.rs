//! The crate's integration tests: one binary, one file per subject.

mod cases;
mod corpus;
mod jayway;
mod measured;
mod task_cases;
mod test_state;
mod validation;
