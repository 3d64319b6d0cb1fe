//! Reference paths: the strict grammar of `ResultPath`, which names exactly one place to write to.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::jsonpath::query_root::{MAX_TEXT_BYTES, QueryRoot, split_root};

/// The most steps of a reference path, so that an inserted value never nests deeper than JSON text may.
const MAX_STEPS: usize = 100;

/// A path that names exactly one place in a state's data: fields and array indices only.
///
/// A backslash makes the next character part of the name: `$.a\.b` is the field `a.b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencePath {
    /// The path as written, for messages.
    text: String,
    /// The steps from the root; empty for `$`.
    steps: Vec<ReferenceStep>,
}

/// A step of a reference path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ReferenceStep {
    /// A field by its name, with escapes resolved.
    Field(String),
    /// An item by its index, counted from the start.
    Index(usize),
}

impl ReferencePath {
    /// Parses a reference path such as `$.orders[0].total`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`](crate::ErrorKind::InvalidExpression) if the text is not a reference path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(Error::invalid_expression(format!(
                "the reference path has {} bytes, expected at most {MAX_TEXT_BYTES}",
                text.len()
            )));
        }
        let (root, rest) = split_root(text)?;
        if root != QueryRoot::Input {
            return Err(Error::invalid_expression(
                "a reference path must start with `$`, not with `$$` or a variable",
            ));
        }
        let characters: Vec<char> = rest.chars().collect();
        let mut steps = Vec::new();
        let mut rest = characters.as_slice();
        while let [first, after @ ..] = rest {
            if steps.len() == MAX_STEPS {
                return Err(Error::invalid_expression(format!(
                    "the reference path has more than {MAX_STEPS} steps"
                )));
            }
            let (step, remaining) = match first {
                '.' if after.first() == Some(&'[') => bracket(&after[1..])?,
                '.' => name(after)?,
                '[' => bracket(after)?,
                other => {
                    return Err(Error::invalid_expression(format!(
                        "expected `.` or `[` in a reference path, got `{other}`"
                    )));
                }
            };
            steps.push(step);
            rest = remaining;
        }
        Ok(Self {
            text: text.to_owned(),
            steps,
        })
    }

    /// Returns the value that the path names; `None` if the document has no such value.
    #[must_use]
    pub fn get<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.steps
            .iter()
            .try_fold(document, |value, step| match step {
                ReferenceStep::Field(name) => value.as_object()?.get(name),
                ReferenceStep::Index(index) => value.as_array()?.get(*index),
            })
    }

    /// Returns the name of the field that an insertion would append to the document's own fields; `None` if the
    /// insertion would do anything else.
    pub(crate) fn appended_field(&self, document: &Value) -> Option<&str> {
        match (self.steps.as_slice(), document) {
            ([ReferenceStep::Field(name)], Value::Object(fields)) => {
                (!fields.contains_key(name)).then_some(name)
            }
            _ => None,
        }
    }

    /// Inserts a value at the place that the path names, as `ResultPath` does. Missing fields of the path are created,
    /// but array items must exist.
    ///
    /// # Errors
    /// [`ErrorKind::EvaluationFailed`](crate::ErrorKind::EvaluationFailed) if the path leads through a value that is
    /// not an object, or past the end of an array. The document is then unchanged.
    pub fn insert(&self, root: &mut Value, value: Value) -> Result<(), Error> {
        if self.obstructed_step(root).is_some() {
            return Err(Error::evaluation_failed(format!(
                "Unable to apply ReferencePath {} to input {root}",
                self.text
            )));
        }
        let mut place = root;
        for step in &self.steps {
            place = match (step, place) {
                (ReferenceStep::Index(index), Value::Array(items)) => &mut items[*index],
                (ReferenceStep::Field(name), place) => {
                    if !place.is_object() {
                        *place = Value::Object(Map::new());
                    }
                    let Value::Object(fields) = place else {
                        unreachable!("the place has just become an object")
                    };
                    fields.entry(name.as_str()).or_insert(Value::Null)
                }
                (ReferenceStep::Index(_), _) => {
                    unreachable!("no step is obstructed, so that an array is here")
                }
            };
        }
        *place = value;
        Ok(())
    }

    /// Returns the first step at which an insertion would fail; `None` if the insertion would succeed.
    pub(crate) fn obstructed_step(&self, root: &Value) -> Option<String> {
        let mut place = Some(root);
        for (depth, step) in self.steps.iter().enumerate() {
            place = match (step, place) {
                (ReferenceStep::Field(name), Some(Value::Object(fields))) => fields.get(name),
                // A missing value, or a null below the root, is replaced by an object.
                (ReferenceStep::Field(_), None) => None,
                (ReferenceStep::Field(_), Some(Value::Null)) if depth > 0 => None,
                (ReferenceStep::Index(index), Some(Value::Array(items)))
                    if *index < items.len() =>
                {
                    items.get(*index)
                }
                (ReferenceStep::Field(name), _) => return Some(name.clone()),
                (ReferenceStep::Index(index), _) => return Some(index.to_string()),
            };
        }
        None
    }
}

/// Reads `name` up to the next `.` or `[`.
fn name(characters: &[char]) -> Result<(ReferenceStep, &[char]), Error> {
    let mut name = String::new();
    let mut place = 0;
    while let Some(character) = characters.get(place) {
        match character {
            '\\' => {
                place += 1;
                name.extend(characters.get(place));
            }
            '.' | '[' => break,
            '@' | ',' | ':' | '?' | '*' | '(' | ')' | ' ' | ']' | '\'' | '"' => {
                return Err(Error::invalid_expression(format!(
                    "`{character}` must be escaped as `\\{character}` in a reference path"
                )));
            }
            _ => name.push(*character),
        }
        place += 1;
    }
    if name.is_empty() {
        return Err(Error::invalid_expression(
            "expected a field name after `.` in a reference path",
        ));
    }
    Ok((
        ReferenceStep::Field(name),
        &characters[place.min(characters.len())..],
    ))
}

/// Reads the text after `[`: an index or one quoted name, and the closing bracket.
fn bracket(characters: &[char]) -> Result<(ReferenceStep, &[char]), Error> {
    let refused = || {
        let text: String = characters.iter().collect();
        Error::invalid_expression(format!(
            "expected one index or one quoted name in the brackets of a reference path, got `[{text}`"
        ))
    };
    let Some(quote @ ('\'' | '"')) = characters.first() else {
        let end = characters
            .iter()
            .position(|character| *character == ']')
            .ok_or_else(refused)?;
        let digits: String = characters[..end].iter().collect();
        let index = digits
            .parse::<u32>()
            .ok()
            .filter(|_| !digits.starts_with('+'))
            .ok_or_else(refused)?;
        let index = usize::try_from(index).map_err(|_too_large| refused())?;
        return Ok((ReferenceStep::Index(index), &characters[end + 1..]));
    };
    let mut name = String::new();
    let mut place = 1;
    loop {
        match characters.get(place) {
            None => return Err(refused()),
            Some('\\') => {
                place += 1;
                name.extend(characters.get(place));
            }
            Some(end) if end == quote => break,
            Some(character) => name.push(*character),
        }
        place += 1;
    }
    match characters.get(place + 1) {
        Some(']') => Ok((ReferenceStep::Field(name), &characters[place + 2..])),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inserted(path: &str, mut root: Value, value: Value) -> Result<Value, String> {
        let path = ReferencePath::parse(path).unwrap();
        path.insert(&mut root, value)
            .map(|()| root)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn fields_on_the_way_are_created() {
        assert_eq!(
            inserted("$.a.b", json!({"x": 1}), json!(2)),
            Ok(json!({"x": 1, "a": {"b": 2}}))
        );
        assert_eq!(inserted("$", json!({"x": 1}), json!(2)), Ok(json!(2)));
        assert_eq!(
            inserted("$.a[1].c", json!({"a": [0, {}]}), json!(2)),
            Ok(json!({"a": [0, {"c": 2}]}))
        );
    }

    #[test]
    fn a_path_through_another_type_is_rejected() {
        for (path, root) in [
            ("$.a.b", json!({"a": 1})),
            ("$.a", json!([1])),
            ("$.a[2]", json!({"a": [1]})),
            ("$.a[0]", json!({})),
        ] {
            assert!(
                inserted(path, root.clone(), json!(0)).is_err(),
                "{path} in {root}"
            );
        }
    }

    #[test]
    fn only_single_places_are_reference_paths() {
        for path in [
            "$",
            "$.store\\.book",
            "$['a b'][0]",
            "$.a.['b']",
            "$.&Ж中.\u{10346}",
        ] {
            assert!(ReferencePath::parse(path).is_ok(), "{path}");
        }
        for path in [
            "",
            "a",
            "$.",
            "$..a",
            "$.a[*]",
            "$.a[-1]",
            "$.a[0,1]",
            "$.a[1:]",
            "$.a[?(@.b)]",
            "$.*",
            "$['a','b']",
            "$.f()",
            "$$.a",
            "$name.a[0]",
        ] {
            assert!(ReferencePath::parse(path).is_err(), "{path}");
        }
        assert!(ReferencePath::parse(&format!("${}", ".a".repeat(200))).is_err());
    }

    #[test]
    fn an_escaped_character_belongs_to_the_name() {
        let path = ReferencePath::parse("$.store\\.book").unwrap();
        assert_eq!(path.get(&json!({"store.book": 1})), Some(&json!(1)));
    }
}
