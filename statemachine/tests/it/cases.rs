//! `cases.jsonl`: machines without tasks, their outcomes and their histories.

use serde_json::Value;

use crate::support::corpus::{Score, history_difference, rows, same_json, text};
use crate::support::recorded_run::{outcome_difference, run_without_tasks};

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test -p drivetrain-statemachine -- --ignored --nocapture"]
fn machines_without_tasks_end_as_recorded() {
    let (mut ends, mut causes, mut histories) =
        (Score::default(), Score::default(), Score::default());
    for row in rows("cases.jsonl") {
        if row["expected_status"] == "ABORTED" || !row["possible_drift"].is_null() {
            continue;
        }
        let name = text(&row, "name");
        let (outcome, events) = match run_without_tasks(&row) {
            Ok(run) => run,
            Err(refused) => {
                ends.count("outcome", name, Some(refused));
                continue;
            }
        };
        ends.count("outcome", name, outcome_difference(&row, &outcome));
        if let Some(expected) = row["expected_cause"].as_str() {
            let actual = outcome.cause.clone().map_or(Value::Null, Value::String);
            let differs = !same_json(&Value::String(expected.to_owned()), &actual);
            causes.count(
                "cause",
                name,
                differs.then(|| format!("expected {expected}, got {actual}")),
            );
        }
        let unrecorded = ["test_parallel_state_nested#", "test_map_state_nested#"];
        if let Some(expected) = row["history"].as_array()
            && !unrecorded
                .iter()
                .any(|unrecorded| name.contains(unrecorded))
        {
            histories.count("history", name, history_difference(&row, expected, &events));
        }
    }
    println!("cases.jsonl: outcomes {}/{}", ends.passed, ends.total);
    println!("cases.jsonl: causes {}/{}", causes.passed, causes.total);
    println!(
        "cases.jsonl: histories {}/{}",
        histories.passed, histories.total
    );
    assert!(ends.passed >= 517, "at least 517 outcomes are as recorded");
    assert!(causes.passed + 3 >= causes.total, "at most 3 causes differ");
    assert!(
        histories.passed >= 202,
        "at least 202 histories are as recorded"
    );
}
