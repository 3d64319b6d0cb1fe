//! The crate's integration tests: one binary, one file per subject.
#![expect(
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests read the corpus through the environment, take `json!(..)` as it is made, print what they count, and stop where something is missing"
)]

// What several tests share: small machines, the recorded cases, and the runs of those.
mod support;

// The limits that no definition, input or answer may exceed.
mod bounds;
// Recorded executions of machines without tasks.
mod cases;
// Paths, compared with the recorded answers of Jayway's `JsonPath`.
mod jayway;
// Map states: concurrency, thresholds and batches.
mod maps;
// Expressions whose behavior others measured on AWS.
mod measured;
// Machines whose tasks are answered by a mock file.
mod mocks;
// A state that moves its data, compared with one that copies it.
mod moving;
// Expressions that are cut, repeated and mixed: a value or an error, never a panic.
mod mutations;
// The objects that Map states read items from and write results to.
mod readers;
// Replays of executions whose tasks took random times and failed at random.
mod replay;
// Calls routed by their resource.
mod routing;
// Branches and iterations next to one that fails.
mod siblings;
// Executions that are watched, stopped or timed out, and their determinism.
mod stopping;
// Recorded executions of machines whose tasks answer as recorded.
mod task_cases;
// Tasks: timeouts, heartbeats, tokens, activities and retries.
mod tasks;
// Recorded calls of the TestState API.
mod test_state;
// Traces of executions, and their coverage.
mod trace;
// Definitions that AWS accepts or rejects, with its findings.
mod validation;
// The texts of failures and errors.
mod wording;
// `tests/cases`: written cases of the language, and their coverage of it.
mod written_cases;
