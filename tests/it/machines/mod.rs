//! State machines at the command line.

// `check`: machines and jobs, one or a folder of them, for people, programs and scanners.
mod check;
// `simulate`: one execution offline, its history and its tree.
mod simulate;
// `simulate`: its mocks, inputs and flags.
mod simulate_inputs;
// `simulate --s3`: what Map states read from a folder and write into it.
mod simulate_buckets;
// `simulate` of executions that do not end: interrupts, and histories that cannot be written.
mod simulate_stopped;
// `test`: cases beside definitions, what failed, and what was never reached.
mod test_cases;
// `test-state`: one state alone, and the requests of the API.
mod test_state;
// `mocks`: a recorded execution replays offline.
mod mocks;
// The recorded cases of AWS, which are outside the repository, by the real binary.
mod recorded_cases;
