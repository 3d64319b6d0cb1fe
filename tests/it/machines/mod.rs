//! State machines at the command line.

// `check`: one job or machine or a folder of them; output as text, JSON and SARIF.
mod check;
// `simulate`: one execution offline, its history and its tree.
mod simulate;
// `simulate`: its mocks, inputs and flags.
mod simulate_inputs;
// `simulate --s3`: Map states that read from a folder and write into it.
mod simulate_buckets;
// `simulate` of executions that do not end: interrupted, or with a history that cannot be written.
mod simulate_stopped;
// `test`: cases beside definitions, the differences of failed cases, and the states that no case reached.
mod test_cases;
// `test-state`: one state alone, and the requests of the API.
mod test_state;
// `mocks`: makes mocks from a recorded execution, which then replays offline.
mod mocks;
// Cases recorded from AWS, which are outside the repository, run by the real binary.
mod recorded_cases;
