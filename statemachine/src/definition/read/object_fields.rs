//! A reader of a JSON object's fields, which collects every problem.

use std::cell::RefCell;

use serde_json::{Map, Value};

use crate::definition::QueryLanguage;
use crate::diagnostics::diagnostic::{Code, Diagnostic};
use crate::diagnostics::hint::known_names_hint;
use crate::json_pointer::{LONGEST_PROBLEMS_BYTES, MOST_PROBLEMS, child_pointer};

/// The number of problems after which no more hints are computed: a user would not read more hints, and each hint takes
/// time.
const MOST_HINTS: usize = 50;

/// The findings collected while a definition is read.
#[derive(Debug, Default)]
pub(crate) struct DiagnosticCollector(RefCell<Collected>);

/// The findings so far, and the total length of their messages and pointers.
#[derive(Debug, Default)]
struct Collected {
    /// The findings, in the order in which the definition was read.
    diagnostics: Vec<Diagnostic>,
    /// The total length of messages and pointers, which bounds memory on hostile definitions.
    bytes: usize,
}

impl DiagnosticCollector {
    /// Adds a finding; drops it if the limit on the number or on the total length of findings is reached.
    pub(crate) fn note(&self, diagnostic: Diagnostic) {
        let mut noted = self.0.borrow_mut();
        if noted.diagnostics.len() < MOST_PROBLEMS && noted.bytes < LONGEST_PROBLEMS_BYTES {
            noted.bytes +=
                diagnostic.message.len() + diagnostic.pointer.as_ref().map_or(0, String::len);
            noted.diagnostics.push(diagnostic);
        }
    }

    /// Returns `true` if so few problems are recorded that the next one still gets a hint.
    pub(crate) fn are_few(&self) -> bool {
        self.0.borrow().diagnostics.len() < MOST_HINTS
    }

    /// Adds several findings, each as [`Self::note`] does.
    pub(crate) fn extend(&self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        diagnostics
            .into_iter()
            .for_each(|diagnostic| self.note(diagnostic));
    }

    /// Returns the recorded findings, in the order in which the definition was read.
    pub(crate) fn into_inner(self) -> Vec<Diagnostic> {
        self.0.into_inner().diagnostics
    }
}

/// A reader of one JSON object of a definition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    /// The fields of the object, by name.
    pub(crate) values: &'a Map<String, Value>,
    /// The JSON pointer of the object in the definition.
    pub(crate) pointer: &'a str,
    /// The collector of the whole definition, shared by all readers.
    pub(crate) problems: &'a DiagnosticCollector,
}

impl<'a> Fields<'a> {
    /// Creates a reader of a value; reports a value that is not an object.
    pub(crate) fn of(
        value: &'a Value,
        pointer: &'a str,
        problems: &'a DiagnosticCollector,
    ) -> Option<Self> {
        if let Value::Object(values) = value {
            return Some(Self {
                values,
                pointer,
                problems,
            });
        }
        problems.note(Diagnostic::error(
            Code::SchemaValidationFailed,
            pointer,
            "Expected value of type [OBJECT]",
        ));
        None
    }

    /// Returns a field's value without a check of its type.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.values.get(name)
    }

    /// Returns `true` if the field is present, even if its value is null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Returns the JSON pointer of a field.
    pub(crate) fn at(&self, name: &str) -> String {
        child_pointer(self.pointer, name)
    }

    /// Reports a schema problem of a field, or of the object itself if `name` is empty.
    pub(crate) fn refuse(&self, name: &str, message: impl Into<String>) {
        self.refuse_as(Code::SchemaValidationFailed, name, message);
    }

    /// Reports a problem of a field under `code`; [`Self::refuse`] always uses the code of schema problems.
    pub(crate) fn refuse_as(&self, code: Code, name: &str, message: impl Into<String>) {
        self.refuse_as_with(code, name, message, || None);
    }

    /// Reports every field that is not in `known`.
    pub(crate) fn only(&self, known: &[&[&str]]) {
        self.only_or(known, &[]);
    }

    /// Reports every field that is not in `known`; the hint may also suggest a name from `others`.
    pub(crate) fn only_or(&self, known: &[&[&str]], others: &[&str]) {
        for name in self.values.keys() {
            if !known.iter().any(|group| group.contains(&name.as_str())) {
                let names = known.iter().flat_map(|group| group.iter().copied());
                let names = names.chain(others.iter().copied());
                let absent = names.filter(|name| !self.has(name));
                let message = format!("Field '{name}' is not supported");
                self.refuse_with("", message, || known_names_hint(name, absent));
            }
        }
    }

    /// Reports a schema problem with a hint, as [`Self::refuse_as_with`] does.
    pub(crate) fn refuse_with(
        &self,
        name: &str,
        message: impl Into<String>,
        hint: impl FnOnce() -> Option<String>,
    ) {
        self.refuse_as_with(Code::SchemaValidationFailed, name, message, hint);
    }

    /// Reports a problem under a code; computes the hint only while few problems are recorded.
    pub(crate) fn refuse_as_with(
        &self,
        code: Code,
        name: &str,
        message: impl Into<String>,
        hint: impl FnOnce() -> Option<String>,
    ) {
        let pointer = if name.is_empty() {
            self.pointer.to_owned()
        } else {
            self.at(name)
        };
        let hint = if self.problems.are_few() {
            hint()
        } else {
            None
        };
        self.problems.note(Diagnostic {
            hint,
            ..Diagnostic::error(code, &pointer, message)
        });
    }

    /// Checks that all of these fields are present; otherwise reports the missing fields and returns `false`.
    pub(crate) fn require(&self, names: &[&str]) -> bool {
        let missing: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| !self.has(name))
            .collect();
        if missing.is_empty() {
            return true;
        }
        self.refuse(
            "",
            format!("These fields are required: [{}]", missing.join(", ")),
        );
        false
    }

    /// Reports an error if more than one of these fields is present.
    pub(crate) fn at_most_one(&self, names: &[&str]) {
        let present: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| self.has(name))
            .collect();
        if present.len() > 1 {
            self.refuse(
                "",
                format!(
                    "Only one of these fields is allowed: [{}]",
                    present.join(", ")
                ),
            );
        }
    }

    /// Reads a string; another type is reported.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        let value = self.get(name)?;
        if value.is_string() {
            return value.as_str();
        }
        self.wrong_type(name, "STRING");
        None
    }

    /// Reads a boolean; another type is reported.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        let value = self.get(name)?;
        if value.is_boolean() {
            return value.as_bool();
        }
        self.wrong_type(name, "BOOLEAN");
        None
    }

    /// Reads an array; another type is reported.
    pub(crate) fn array(&self, name: &str) -> Option<&'a [Value]> {
        let value = self.get(name)?;
        if let Value::Array(items) = value {
            return Some(items);
        }
        self.wrong_type(name, "ARRAY");
        None
    }

    /// Reads a number between two bounds, both included; anything else is reported.
    pub(crate) fn number(&self, name: &str, from: f64, to: f64) -> Option<f64> {
        let value = self.get(name)?;
        let Some(number) = value.as_f64() else {
            self.wrong_type(name, "NUMBER");
            return None;
        };
        if number < from || number > to {
            self.refuse(name, format!("Value must be between {from} and {to}"));
            return None;
        }
        Some(number)
    }

    /// Reads a whole number between two bounds, both included; anything else is reported.
    pub(crate) fn integer(&self, name: &str, from: u64, to: u64) -> Option<u64> {
        let value = self.get(name)?;
        match whole_number(value) {
            Some(number) if (from..=to).contains(&number) => Some(number),
            Some(_) => {
                self.refuse(name, format!("Value must be between {from} and {to}"));
                None
            }
            None => {
                self.wrong_type(name, "INTEGER");
                None
            }
        }
    }

    /// Reads a field whose value must be one of `words`; returns the value that is paired with the word.
    pub(crate) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.refuse(
                name,
                format!(
                    "Value should be one of the following: [{}]",
                    known.join(", ")
                ),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// Reads the `QueryLanguage` of a machine or of a state.
    pub(crate) fn language(&self) -> Option<QueryLanguage> {
        self.word(
            "QueryLanguage",
            &[
                ("JSONPath", QueryLanguage::JsonPath),
                ("JSONata", QueryLanguage::Jsonata),
            ],
        )
    }

    /// Reports a value that does not have the expected type, in AWS's words.
    fn wrong_type(&self, name: &str, expected: &str) {
        self.refuse(name, format!("Expected value of type [{expected}]"));
    }
}

/// Returns a value as a whole number, also if it is written as `3.0`; `None` if it is negative or not whole.
pub(crate) fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range and the fraction are checked first"
        )]
        (number.fract() == 0.0 && (0.0..9e15).contains(&number)).then_some(number as u64)
    })
}
