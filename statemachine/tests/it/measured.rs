//! `measured.jsonl`: behavior of expressions that others measured on AWS, one machine each.

use drivetrain_statemachine::{Engine, Machine, TaskCall, TaskFailure};
use serde_json::Value;

use crate::support::corpus::{Score, in_virtual_time, rows, same, start_time, text};

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test -p drivetrain-statemachine -- --ignored --nocapture"]
fn machines_end_as_others_measured() {
    let mut score = Score::default();
    for row in rows("measured.jsonl")
        .iter()
        .filter(|row| row["expected_status"].is_string())
    {
        score.count("outcome", text(row, "name"), difference(row));
    }
    println!("measured.jsonl: outcomes {}/{}", score.passed, score.total);
    assert_eq!(
        score.passed, score.total,
        "every measured machine ends as measured"
    );
}

fn difference(row: &Value) -> Option<String> {
    let machine = match Machine::parse(&row["definition"].to_string()) {
        Ok(machine) => machine,
        Err(error) => return Some(format!("refused: {error}")),
    };
    let engine = Engine::new(refuse).start_time(start_time()).seed(7);
    let outcome = match in_virtual_time(async { engine.run(&machine, row["input"].clone()).await })
    {
        Ok(outcome) => outcome,
        Err(error) => return Some(error.to_string()),
    };
    let status = row["expected_status"] == outcome.status.as_str();
    let error = row["expected_error"].is_null()
        || row["expected_error"].as_str() == outcome.error.as_deref();
    let cause = row["expected_cause_contains"].as_str().is_none_or(|part| {
        outcome
            .cause
            .as_deref()
            .is_some_and(|cause| cause.contains(part))
    });
    let output = outcome
        .output
        .as_ref()
        .is_none_or(|output| same(&row["expected_output"], output));
    (!(status && error && cause && output)).then(|| format!("got {outcome:?}"))
}

async fn refuse(call: TaskCall) -> Result<Value, TaskFailure> {
    Err(TaskFailure::new(
        "NoTask",
        format!("`{}` makes a call", call.state),
    ))
}
