//! `cases.jsonl`: machines without tasks, their outcomes and their histories.

use drivetrain_statemachine::{
    Engine, Event, History, Machine, MachineType, Outcome, TaskCall, TaskFailure,
};
use serde_json::Value;

use crate::corpus::{
    Score, history_difference, in_virtual_time, rows, same, same_json, same_shape, start_time, text,
};

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
        let (outcome, events) = match run(&row) {
            Ok(run) => run,
            Err(refused) => {
                ends.count("outcome", name, Some(refused));
                continue;
            }
        };
        ends.count("outcome", name, difference(&row, &outcome));
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

pub fn run(row: &Value) -> Result<(Outcome, Vec<Event>), String> {
    let machine_type = if row["type"] == "EXPRESS" {
        MachineType::Express
    } else {
        MachineType::Standard
    };
    let definition = match &row["definition"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let machine = Machine::parse_as(&definition, machine_type)
        .map_err(|error| format!("refused: {error}"))?;
    let history = History::default();
    let engine = Engine::new(refuse)
        .history(history.clone())
        .start_time(start_time())
        .seed(7);
    let outcome = in_virtual_time(async { engine.run(&machine, row["input"].clone()).await });
    Ok((
        outcome.map_err(|error| error.to_string())?,
        history.events(),
    ))
}

async fn refuse(call: TaskCall) -> Result<Value, TaskFailure> {
    Err(TaskFailure::new(
        "NoTask",
        format!("`{}` makes a call", call.state),
    ))
}

/// Returns the difference between an outcome and the recorded one; causes are not compared.
pub fn difference(row: &Value, outcome: &Outcome) -> Option<String> {
    let got = || format!("got {outcome:?}");
    if row["expected_status"] != outcome.status.as_str() {
        return Some(format!("expected {}, {}", row["expected_status"], got()));
    }
    if let Some(expected) = row["expected_error"].as_str()
        && outcome.error.as_deref() != Some(expected)
    {
        return Some(format!("expected {expected}, {}", got()));
    }
    let output = outcome.output.as_ref()?;
    let expected = &row["expected_output"];
    let equal = if row["nondeterministic"] == true {
        same_shape(expected, output)
    } else {
        same(expected, output)
    };
    (!equal).then(|| format!("expected {expected}, got {output}"))
}
