//! The recorded cases, and their comparison.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use drivetrain_statemachine::Event;
use serde_json::{Map, Value};

/// Reads a file of the corpus, one JSON object per line.
pub fn rows(file: &str) -> Vec<Value> {
    let folder = std::env::var_os("DRIVETRAIN_ASL_CORPUS")
        .map(PathBuf::from)
        .expect("set DRIVETRAIN_ASL_CORPUS to the folder of the recorded cases");
    let text = std::fs::read_to_string(folder.join(file)).expect("the corpus has the file");
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect()
}

/// The date at which recorded cases start; the result of one of them depends on the day.
pub fn start_time() -> DateTime<Utc> {
    "2026-11-22T00:00:00Z".parse().expect("the text is a date")
}

/// Runs a future on a paused clock, which skips every wait.
pub fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO can always be built")
        .block_on(work)
}

/// Returns a row's field as text; empty if it is missing or not a string.
pub fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().unwrap_or_default()
}

const WHOLE: [&str; 6] = [
    "date",
    "timestamp",
    "datetime",
    "start-time",
    "entered-time",
    "RandomNumberGenerated",
];

/// Returns `true` if a value is as recorded, wildcards included.
pub fn same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(pattern), actual) if WHOLE.contains(&pattern.as_str()) => {
            actual.is_string() || actual.is_number()
        }
        (Value::String(pattern), Value::String(text)) => same_text(pattern, text),
        (Value::Number(expected), Value::Number(actual)) => {
            expected == actual || expected.as_f64() == actual.as_f64()
        }
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .zip(actual)
                    .all(|(expected, actual)| same(expected, actual))
        }
        (Value::Object(expected), Value::Object(actual)) => {
            expected.len() == actual.len()
                && expected.iter().all(|(name, expected)| {
                    actual
                        .get(name)
                        .is_some_and(|actual| same(expected, actual))
                })
        }
        (expected, actual) => expected == actual,
    }
}

/// Returns `true` if two values are the same, either of which the recorder may have parsed from JSON text.
pub fn same_json(expected: &Value, actual: &Value) -> bool {
    same(&opened(expected), &opened(actual)) || same(expected, actual)
}

/// Returns `true` if two values whose content is random have the same types and keys.
pub fn same_shape(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(_), Value::Number(_)) => same(expected, actual),
        (Value::Array(expected), Value::Array(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .zip(actual)
                    .all(|(expected, actual)| same_shape(expected, actual))
        }
        (Value::Object(expected), Value::Object(actual)) => {
            expected.len() == actual.len()
                && expected.iter().all(|(name, expected)| {
                    actual
                        .get(name)
                        .is_some_and(|actual| same_shape(expected, actual))
                })
        }
        (expected, actual) => std::mem::discriminant(expected) == std::mem::discriminant(actual),
    }
}

fn opened(value: &Value) -> Value {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner) => opened(&inner),
            Err(_) => value.clone(),
        },
        Value::Array(items) => Value::Array(items.iter().map(opened).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), opened(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Returns `true` if a text matches a pattern in which `<...>` and the placeholders of role names match anything.
fn same_text(pattern: &str, text: &str) -> bool {
    if pattern == text {
        return true;
    }
    let mut literals = vec![String::new()];
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        let wildcard = ["snf_role_arn", "sfn_role_arn"]
            .iter()
            .find(|name| rest.starts_with(**name))
            .map(|name| name.len())
            .or_else(|| {
                let inner = rest.strip_prefix('<')?;
                let end = inner.find(['<', '>', '"'])?;
                inner[end..].starts_with('>').then_some(end + 2)
            });
        if let Some(length) = wildcard {
            literals.push(String::new());
            rest = &rest[length..];
        } else {
            let literal = literals.last_mut().expect("it starts with one");
            literal.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    let (first, others) = literals.split_first().expect("it starts with one");
    let Some(mut rest) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    let Some((last, middle)) = others.split_last() else {
        return rest.is_empty();
    };
    for literal in middle {
        match rest.find(literal.as_str()) {
            Some(at) => rest = &rest[at + literal.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

const COMPARED: [&str; 14] = [
    "name",
    "input",
    "output",
    "error",
    "cause",
    "index",
    "length",
    "assignedVariables",
    "resource",
    "resourceType",
    "location",
    "state",
    "id",
    "prev",
];

/// Finds the first event that differs from the recorded history.
///
/// Events of child executions are in separate histories and are left out. Random values are compared by shape.
pub fn history_difference(row: &Value, expected: &[Value], events: &[Event]) -> Option<String> {
    let own = |event: &&Event| event.execution == events[0].execution;
    let actual: Vec<Map<String, Value>> = events.iter().filter(own).map(flattened).collect();
    let random = row["nondeterministic"] == true;
    let equal = |expected: &Value, actual: &Value| {
        same_json(expected, actual) || random && same_shape(&opened(expected), &opened(actual))
    };
    for (index, expected) in expected.iter().enumerate() {
        let Some(actual) = actual.get(index) else {
            return Some(format!("no event {}: expected {expected}", index + 1));
        };
        let same_type = actual["type"] == expected["type"];
        let differs =
            COMPARED
                .iter()
                .find(|name| match (expected.get(**name), actual.get(**name)) {
                    (Some(expected), Some(actual)) => !equal(expected, actual),
                    (None, None) => false,
                    _ => true,
                });
        if !same_type || differs.is_some() {
            return Some(format!(
                "event {}, {}: expected {expected}, got {}",
                index + 1,
                differs.copied().unwrap_or("type"),
                Value::Object(actual.clone())
            ));
        }
    }
    (actual.len() > expected.len())
        .then(|| format!("{} events more", actual.len() - expected.len()))
}

fn flattened(event: &Event) -> Map<String, Value> {
    let Ok(Value::Object(shape)) = serde_json::to_value(event) else {
        panic!("an event is an object");
    };
    let mut flat = Map::new();
    for (name, value) in shape {
        match (name.as_str(), value) {
            ("previousEventId", value) => flat.insert("prev".to_owned(), value),
            (_, Value::Object(details)) => {
                flat.extend(details);
                None
            }
            (_, value) => flat.insert(name, value),
        };
    }
    flat
}

/// Counts rows that agree and prints those that do not.
#[derive(Debug, Default)]
pub struct Score {
    pub passed: usize,
    pub total: usize,
}

impl Score {
    pub fn count(&mut self, what: &str, name: &str, difference: Option<String>) {
        self.total += 1;
        match difference {
            None => self.passed += 1,
            Some(difference) => {
                let shown: String = difference.chars().take(1_200).collect();
                println!("{what} differs: {name}\n    {shown}");
            }
        }
    }
}
