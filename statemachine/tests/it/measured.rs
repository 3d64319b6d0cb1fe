//! The executions of `measured.jsonl`: single findings of third parties on AWS.

use drivetrain_statemachine::{Engine, Machine, TaskCall, TaskError};
use serde_json::Value;

use crate::cases::difference;
use crate::corpus::{Score, in_virtual_time, rows, start_time, text};

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test -p drivetrain-statemachine -- --ignored --nocapture"]
fn measured_executions_end_as_found() {
    let mut score = Score::default();
    for row in rows("measured.jsonl")
        .iter()
        .filter(|row| row["expected_status"].is_string())
    {
        score.count("execution", text(row, "name"), run(row));
    }
    println!(
        "measured.jsonl: executions {}/{}",
        score.passed, score.total
    );
    assert!(
        score.passed >= 21,
        "at least 21 of the 23 measured executions end as found"
    );
}

fn run(row: &Value) -> Option<String> {
    let machine = match Machine::parse(&row["definition"].to_string()) {
        Ok(machine) => machine,
        Err(error) => return Some(format!("refused: {error}")),
    };
    let engine = Engine::new(refuse).start_time(start_time()).seed(7);
    let outcome =
        in_virtual_time(engine.run(&machine, row["input"].clone())).expect("the input is small");
    let expected = row["expected_cause_contains"].as_str();
    let cause = outcome.cause.as_deref().unwrap_or_default();
    match expected.filter(|part| !cause.contains(part)) {
        Some(part) => Some(format!("expected a cause with {part}, got {cause}")),
        None => difference(row, &outcome),
    }
}

async fn refuse(call: TaskCall) -> Result<Value, TaskError> {
    Err(TaskError::new("NoTask", call.state))
}
