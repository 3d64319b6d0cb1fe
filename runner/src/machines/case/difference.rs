//! Compares expected with actual values and reports the differences.

use serde::Serialize;
use serde_json::Value;

/// The most differences that one comparison reports; a count replaces the rest.
const MOST: usize = 20;

/// The length to which a value is truncated in a report, in characters.
const MOST_CHARACTERS: usize = 400;

/// A difference between an expectation of a case and the result of its execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The compared expectation, followed by the JSON pointer to the value that differs: `output /total`.
    pub what: String,
    /// The expected value as text; long JSON is truncated.
    pub expected: String,
    /// The actual value as text; long JSON is truncated.
    pub got: String,
}

/// The rule for object fields that the actual value has and the expected value does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// Extra fields are differences, so both values must be equal.
    Whole,
    /// Extra fields of the actual value are ignored, at any depth.
    Part,
}

impl Difference {
    /// Creates a difference from the name of the compared value and the truncated texts of both sides.
    #[must_use]
    pub fn new(
        what: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            expected: expected.into(),
            got: got.into(),
        }
    }
}

/// Compares two JSON values and returns one difference per scalar, array item or object field that does not match.
/// Numbers are compared by value, so `1` equals `1.0`.
#[must_use]
pub fn differences(
    what: &str,
    expected: &Value,
    got: &Value,
    strictness: Strictness,
) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(what, "", Some(expected), Some(got), strictness, &mut found);
    if found.len() > MOST {
        let more = found.len() - MOST;
        found.truncate(MOST);
        found.push(Difference::new(
            what,
            "no further differences",
            format!("{more} further differences"),
        ));
    }
    found
}

/// Compares two values and everything inside them, and adds the differences to `found`; `None` is an absent value.
fn compare(
    what: &str,
    pointer: &str,
    expected: Option<&Value>,
    got: Option<&Value>,
    strictness: Strictness,
    found: &mut Vec<Difference>,
) {
    let below = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (expected, got) {
        (Some(Value::Object(expected)), Some(Value::Object(got))) => {
            for (name, value) in expected {
                compare(
                    what,
                    &below(name),
                    Some(value),
                    got.get(name),
                    strictness,
                    found,
                );
            }
            let more = got.iter().filter(|(name, _)| !expected.contains_key(*name));
            for (name, value) in more.filter(|_| strictness == Strictness::Whole) {
                compare(what, &below(name), None, Some(value), strictness, found);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(got))) => {
            for index in 0..expected.len().max(got.len()) {
                let at = below(&index.to_string());
                compare(
                    what,
                    &at,
                    expected.get(index),
                    got.get(index),
                    strictness,
                    found,
                );
            }
        }
        (Some(Value::Number(expected)), Some(Value::Number(got)))
            if expected == got || expected.as_f64() == got.as_f64() => {}
        (Some(expected), Some(got)) if expected == got => {}
        (expected, got) => {
            let at = if pointer.is_empty() {
                what.to_owned()
            } else {
                format!("{what} {pointer}")
            };
            found.push(Difference::new(at, shown(expected), shown(got)));
        }
    }
}

/// Formats a value as truncated JSON, or as `no value` if it is absent.
fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "no value".to_owned(), |value| cut(&value.to_string()))
}

/// Truncates a text to [`MOST_CHARACTERS`] and marks the cut with `..`.
#[must_use]
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn places(expected: &Value, got: &Value, strictness: Strictness) -> Vec<String> {
        let found = differences("output", expected, got, strictness);
        found
            .into_iter()
            .map(|one| format!("{}: {} / {}", one.what, one.expected, one.got))
            .collect()
    }

    #[test]
    fn each_different_place_is_reported() {
        let expected = json!({"a": 1, "b": [1, {"c": true}], "d/e": "x"});
        let got = json!({"a": 1.0, "b": [1, {"c": false}, 3], "d/e": "y", "more": null});
        assert_eq!(
            places(&expected, &got, Strictness::Whole),
            [
                "output /b/1/c: true / false",
                "output /b/2: no value / 3",
                "output /d~1e: \"x\" / \"y\"",
                "output /more: no value / null",
            ]
        );
        assert_eq!(places(&expected, &got, Strictness::Part).len(), 3);
        assert!(places(&json!({}), &json!({"a": 1}), Strictness::Part).is_empty());
        assert_eq!(
            places(&json!(1), &json!("1"), Strictness::Part),
            ["output: 1 / \"1\""]
        );
    }

    #[test]
    fn many_differences_are_counted() {
        let expected: Vec<u32> = (0..100).collect();
        let got: Vec<u32> = (1..101).collect();
        let found = differences("output", &json!(expected), &json!(got), Strictness::Whole);
        assert_eq!(
            (found.len(), found[MOST].got.as_str()),
            (21, "80 further differences")
        );
    }
}
