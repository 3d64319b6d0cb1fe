mod check;
mod mocks;
mod recorded_cases;
mod simulate;
mod simulate_buckets;
mod simulate_stopped;
mod test_cases;
mod test_state;
