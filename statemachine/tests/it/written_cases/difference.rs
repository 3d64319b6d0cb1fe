//! Lists the places at which two JSON values differ.
//!
//! Expected text may stand for a value that no document fixes: `<uuid>`, `<timestamp>`, `<text>` for any text and
//! `<any>` for any value. Numbers are compared exactly: `1` differs from `1.0`.

use serde_json::Value;

/// Lists each place at which a value differs from the expected one, as a JSON pointer below `pointer`.
pub fn differences(pointer: &str, expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(pointer, expected, actual, &mut found);
    found
}

fn compare(pointer: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::String(any), _) if any == "<any>" => {}
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, expected) in expected {
                let pointer = format!("{pointer}/{}", escaped(name));
                match actual.get(name) {
                    Some(actual) => compare(&pointer, expected, actual, found),
                    None => found.push(format!("{pointer}: expected {expected}, got nothing")),
                }
            }
            for (name, actual) in actual {
                if !expected.contains_key(name) {
                    let pointer = format!("{pointer}/{}", escaped(name));
                    found.push(format!("{pointer}: expected nothing, got {actual}"));
                }
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                compare(&format!("{pointer}/{index}"), expected, actual, found);
            }
        }
        (expected, actual) => {
            if !is_same(expected, actual) {
                found.push(format!("{pointer}: expected {expected}, got {actual}"));
            }
        }
    }
}

fn is_same(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(expected), Value::String(actual)) => match expected.as_str() {
            "<uuid>" => is_uuid(actual),
            "<timestamp>" => is_timestamp(actual),
            "<text>" => true,
            text => text == actual,
        },
        _ => expected == actual,
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Returns `true` if the text is a UUID of version 4, such as `States.UUID` and `$uuid()` return.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, character)| match at {
            8 | 13 | 18 | 23 => character == '-',
            14 => character == '4',
            _ => character.is_ascii_hexdigit() && !character.is_ascii_uppercase(),
        })
}

/// Returns `true` if the text is a time in the form of the context object, with milliseconds.
fn is_timestamp(text: &str) -> bool {
    text.len() == 24 && chrono::DateTime::parse_from_rfc3339(text).is_ok()
}

#[test]
fn each_difference_has_its_pointer() {
    let expected = serde_json::json!(
        {"a/b": [1, {"c": "<uuid>"}], "d": 2, "e": [1], "n": 9_007_199_254_740_993_u64}
    );
    let actual = serde_json::json!(
        {"a/b": [1.0, {"c": "no"}], "e": [1, 2], "f": null, "n": 9_007_199_254_740_992_u64}
    );
    assert_eq!(
        differences("", &expected, &actual),
        [
            "/a~1b/0: expected 1, got 1.0",
            r#"/a~1b/1/c: expected "<uuid>", got "no""#,
            "/d: expected 2, got nothing",
            "/e: expected [1], got [1,2]",
            "/n: expected 9007199254740993, got 9007199254740992",
            "/f: expected nothing, got null",
        ]
    );
}
