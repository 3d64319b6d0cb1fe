//! The crate's integration tests: one binary, one file per subject.
#![expect(
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests read the corpus through the environment, take `json!(..)` as it is made, print what they count, and stop where something is missing"
)]

mod bounds;
mod cases;
mod corpus;
mod jayway;
mod maps;
mod measured;
mod mocks;
mod moving;
mod mutations;
mod readers;
mod replay;
mod routing;
mod siblings;
mod small;
mod stopping;
mod task_cases;
mod tasks;
mod test_state;
mod trace;
mod validation;
mod wording;
mod written_cases;
