//! Paths compared with the recorded answers of Jayway's `JsonPath`.

use drivetrain_statemachine::ErrorKind;
use drivetrain_statemachine::jsonpath::Query;
use serde_json::Value;

use crate::support::corpus::{rows, text};

/// The least number of rows that must agree with an answer of Jayway.
const ANSWERED_AT_LEAST: usize = 94;

struct Row {
    id: String,
    selector: String,
    document: Value,
    consensus: Value,
    answer: Value,
    ordered: bool,
}

fn paths() -> Vec<Row> {
    rows("jayway_paths.jsonl")
        .into_iter()
        .filter(|row| row["jayway_status"] != "error")
        .map(|row| Row {
            id: row["id"].to_string(),
            selector: text(&row, "selector").to_owned(),
            document: row["document"].clone(),
            consensus: row["consensus"].clone(),
            answer: row["jayway"].clone(),
            ordered: row["ordered"] != Value::Bool(false),
        })
        .collect()
}

fn agrees(row: &Row) -> Result<(), String> {
    let answer = Query::parse(&row.selector).and_then(|query| query.evaluate_on(&row.document));
    let missing = row.answer == "NOT_FOUND"
        || row.answer.is_null() && row.consensus == Value::Array(Vec::new());
    match answer {
        Err(error) if missing && error.kind() == ErrorKind::MissingValue => Ok(()),
        Ok(value) if !missing && same(&value, &row.answer, row.ordered) => Ok(()),
        other => Err(format!(
            "{} {}: expected {}, got {other:?}",
            row.id, row.selector, row.answer
        )),
    }
}

fn same(left: &Value, right: &Value, ordered: bool) -> bool {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) if !ordered && left.len() == right.len() => {
            let mut rest: Vec<&Value> = right.iter().collect();
            left.iter().all(|item| {
                let place = rest.iter().position(|other| same(item, other, true));
                place.map(|place| rest.swap_remove(place)).is_some()
            })
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right, true))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| {
                    right
                        .get(name)
                        .is_some_and(|other| same(value, other, true))
                })
        }
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

#[test]
#[ignore = "needs DRIVETRAIN_ASL_CORPUS, a folder with recorded cases"]
fn paths_answer_as_jayway_does() {
    let (refused, answered): (Vec<_>, Vec<_>) = paths()
        .into_iter()
        .partition(|row| row.answer == "NOT_SUPPORTED");

    let wrong: Vec<String> = answered
        .iter()
        .filter_map(|row| agrees(row).err())
        .collect();
    eprintln!(
        "{} of {} answered rows agree",
        answered.len() - wrong.len(),
        answered.len()
    );
    eprintln!("{}", wrong.join("\n"));
    assert!(
        answered.len() - wrong.len() >= ANSWERED_AT_LEAST,
        "too few rows agree"
    );

    let accepted: Vec<&str> = refused
        .iter()
        .filter(|row| Query::parse(&row.selector).is_ok())
        .map(|row| row.selector.as_str())
        .collect();
    eprintln!(
        "{} of {} refused rows are refused",
        refused.len() - accepted.len(),
        refused.len()
    );
    assert!(accepted.is_empty(), "accepted: {accepted:?}");
}
