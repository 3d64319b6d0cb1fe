//! `task_cases.jsonl`: machines whose tasks answer as recorded.

use serde_json::Value;

use crate::support::corpus::{Score, history_difference, rows, same_json, text};
use crate::support::recorded_run::{outcome_difference, run_with_tasks};

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test -p drivetrain-statemachine -- --ignored --nocapture"]
fn machines_with_tasks_end_as_recorded() {
    let (mut ends, mut causes, mut histories) =
        (Score::default(), Score::default(), Score::default());
    let mut without_answer = 0;
    for row in rows("task_cases.jsonl") {
        let name = text(&row, "name");
        if !has_its_answers(&row) {
            without_answer += 1;
            println!("not run, for the row has no answers: {name}");
            continue;
        }
        let (outcome, events) = match run_with_tasks(&row) {
            Ok(run) => run,
            Err(refused) => {
                ends.count("outcome", name, Some(refused));
                continue;
            }
        };
        ends.count("outcome", name, outcome_difference(&row, &outcome));
        let expected = &row["expected_cause"];
        if !expected.is_null() {
            let actual = outcome.cause.clone().map_or(Value::Null, Value::String);
            let differs = !same_json(expected, &actual);
            causes.count(
                "cause",
                name,
                differs.then(|| format!("expected {expected}, got {actual}")),
            );
        }
        if let Some(expected) = row["history"].as_array() {
            histories.count("history", name, history_difference(&row, expected, &events));
        }
    }
    println!(
        "task_cases.jsonl: outcomes {}/{}, not run {without_answer}",
        ends.passed, ends.total
    );
    println!(
        "task_cases.jsonl: causes {}/{}",
        causes.passed, causes.total
    );
    println!(
        "task_cases.jsonl: histories {}/{}",
        histories.passed, histories.total
    );
    assert!(ends.passed >= 89, "at least 89 outcomes are as recorded");
}

/// Returns `true` if every task call of the run was recorded.
///
/// Child executions of a distributed Map have no events in their parent's history, so the calls of their tasks were
/// not recorded; nor were those of rows without a history.
fn has_its_answers(row: &Value) -> bool {
    let has_answers = row["task_mocks"]
        .as_array()
        .is_some_and(|mocks| !mocks.is_empty());
    let calls_nothing = row["history"].as_array().is_some_and(|events| {
        let entered = |name: &str| events.iter().any(|event| event["type"] == name);
        !entered("MapRunStarted") || !row["definition"].to_string().contains(r#""Type":"Task""#)
    });
    has_answers || calls_nothing
}
