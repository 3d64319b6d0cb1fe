//! Reads the fields of a test case, and records every problem with its line and column.

use std::path::{Path, PathBuf};

use drivetrain_statemachine::{Machine, Place, Severity, duplicate_keys};
use serde_json::{Map, Value};

use crate::machines::definition::read_text;
use crate::machines::findings::finding::{CASE_RULE, Finding};

/// Findings in all files of a test, collected so that they are reported together.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Adds findings. They may be unsorted and contain duplicates: [`Self::take`] sorts them and removes duplicates.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Finding>) {
        self.0.extend(more);
    }

    /// Takes all findings out of the collection, sorted by file, line and column, without duplicates.
    #[must_use]
    pub fn take(&mut self) -> Vec<Finding> {
        let mut found = std::mem::take(&mut self.0);
        found.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        found.dedup();
        found
    }

    /// Reads a JSON file and returns its text and value; records a finding and returns `None` if that fails.
    pub fn json_file(&mut self, path: &Path) -> Option<(String, Value)> {
        let file = path.display().to_string();
        let mut refuse = |message: String, place: Option<Place>| {
            self.0.push(Finding {
                severity: Severity::Error,
                code: CASE_RULE.to_owned(),
                message,
                pointer: None,
                location: None,
                file: file.clone(),
                line: place.map(|place| place.line),
                column: place.map(|place| place.column),
                hint: None,
            });
        };
        let text = match read_text(path) {
            Ok(text) => text,
            Err(error) => {
                let cause = std::error::Error::source(&error);
                let cause = cause.map(|cause| format!(": {cause}"));
                refuse(format!("{error}{}", cause.unwrap_or_default()), None);
                return None;
            }
        };
        match serde_json::from_str(&text) {
            Ok(value) => {
                self.extend(duplicate_keys(&text).iter().map(|duplicate| Finding {
                    severity: Severity::Error,
                    code: CASE_RULE.to_owned(),
                    ..Finding::of_machine(&file, duplicate)
                }));
                Some((text, value))
            }
            Err(error) => {
                let place = Place {
                    line: error.line(),
                    column: error.column(),
                };
                refuse(format!("the file is not valid JSON: {error}"), Some(place));
                None
            }
        }
    }
}

/// Reader of the fields of one file, which records each problem as a finding and then continues.
pub struct Reader<'a> {
    /// The file's path, for findings.
    path: PathBuf,
    /// The file's text, in which the line and column of a finding are located.
    text: &'a str,
    /// The findings in all files so far.
    pub findings: &'a mut Findings,
}

impl<'a> Reader<'a> {
    /// Creates a reader of a file that adds to `findings`.
    pub fn new(path: &Path, text: &'a str, findings: &'a mut Findings) -> Self {
        Self {
            path: path.to_owned(),
            text,
            findings,
        }
    }

    /// Returns the number of findings so far, so that a caller can notice new ones.
    #[must_use]
    pub fn count(&self) -> usize {
        self.findings.0.len()
    }

    /// Records an error at a JSON pointer of the file.
    pub fn refuse(&mut self, pointer: &str, message: impl Into<String>) {
        let place = Place::of(self.text, pointer);
        self.findings.0.push(Finding {
            severity: Severity::Error,
            code: CASE_RULE.to_owned(),
            message: message.into(),
            pointer: Some(pointer.to_owned()),
            location: None,
            file: self.path.display().to_string(),
            line: Some(place.line),
            column: Some(place.column),
            hint: None,
        });
    }

    /// Returns the JSON pointer to a field of the object at `pointer`.
    #[must_use]
    pub fn below(pointer: &str, name: &str) -> String {
        format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
    }

    /// Returns a value as an object; records an error if it has another type.
    pub fn object<'v>(
        &mut self,
        value: &'v Value,
        pointer: &str,
    ) -> Option<&'v Map<String, Value>> {
        if value.is_object() {
            return value.as_object();
        }
        self.refuse(pointer, "expected an object");
        None
    }

    /// Records an error for each field whose name is not in `known`.
    pub fn only(&mut self, fields: &Map<String, Value>, pointer: &str, known: &[&str]) {
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let message = format!(
                "the field `{name}` is unknown, expected one of `{}`",
                known.join("`, `")
            );
            self.refuse(&Self::below(pointer, name), message);
        }
    }

    /// Records an error if an object has both of two fields that exclude each other.
    pub fn not_both(&mut self, fields: &Map<String, Value>, pointer: &str, one: &str, other: &str) {
        if fields.contains_key(one) && fields.contains_key(other) {
            let message = format!("expected either `{one}` or `{other}`, got both");
            self.refuse(&Self::below(pointer, other), message);
        }
    }

    /// Returns an optional field; records an error if it is not a string.
    pub fn text<'v>(
        &mut self,
        fields: &'v Map<String, Value>,
        pointer: &str,
        name: &str,
    ) -> Option<&'v str> {
        let value = fields.get(name)?;
        if !value.is_string() {
            self.refuse(&Self::below(pointer, name), "expected a string");
        }
        value.as_str()
    }

    /// Returns an optional field; records an error if it is neither a string nor `null`.
    pub fn text_or_null(
        &mut self,
        fields: &Map<String, Value>,
        pointer: &str,
        name: &str,
    ) -> Option<Value> {
        let value = fields.get(name)?;
        if !value.is_string() && !value.is_null() {
            self.refuse(&Self::below(pointer, name), "expected a string or `null`");
        }
        Some(value.clone())
    }

    /// Returns an optional field; records an error if it is not one of `words`.
    pub fn choice<'v>(
        &mut self,
        fields: &'v Map<String, Value>,
        pointer: &str,
        name: &str,
        words: &[&str],
    ) -> Option<&'v str> {
        let text = self.text(fields, pointer, name)?;
        if words.contains(&text) {
            return Some(text);
        }
        let message = format!("expected one of `{}`, got `{text}`", words.join("`, `"));
        self.refuse(&Self::below(pointer, name), message);
        None
    }

    /// Returns an optional field; records an error if it is not an integer of at least 0.
    pub fn whole(&mut self, fields: &Map<String, Value>, pointer: &str, name: &str) -> Option<u64> {
        let value = fields.get(name)?;
        if value.as_u64().is_none() {
            self.refuse(
                &Self::below(pointer, name),
                "expected a whole number, 0 or more",
            );
        }
        value.as_u64()
    }

    /// Returns an optional field; records an error if it is not a number.
    pub fn number(
        &mut self,
        fields: &Map<String, Value>,
        pointer: &str,
        name: &str,
    ) -> Option<f64> {
        let value = fields.get(name)?;
        if value.as_f64().is_none() {
            self.refuse(&Self::below(pointer, name), "expected a number");
        }
        value.as_f64()
    }

    /// Returns an optional field; records an error if it is not a list of strings.
    pub fn texts(
        &mut self,
        fields: &Map<String, Value>,
        pointer: &str,
        name: &str,
    ) -> Option<Vec<String>> {
        let value = fields.get(name)?;
        let texts: Option<Vec<String>> = value.as_array().and_then(|items| {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect()
        });
        if texts.is_none() {
            self.refuse(&Self::below(pointer, name), "expected a list of strings");
        }
        texts
    }

    /// Checks each of `names` as [`Self::state`] does. The names are the keys of the object at `pointer`.
    pub fn states<'n>(
        &mut self,
        names: impl Iterator<Item = &'n String>,
        pointer: &str,
        machine: Option<&Machine>,
        types: Option<&[&str]>,
    ) {
        for name in names {
            self.state(name, &Self::below(pointer, name), machine, types);
        }
    }

    /// Checks that the machine has the state and that its type is one of `types`; accepts any name if there is no
    /// machine.
    pub fn state(
        &mut self,
        name: &str,
        pointer: &str,
        machine: Option<&Machine>,
        types: Option<&[&str]>,
    ) {
        let Some(machine) = machine else { return };
        let states = machine.states();
        match (states.iter().find(|state| state.name == name), types) {
            (None, _) => self.refuse(pointer, format!("the machine has no state `{name}`")),
            (Some(state), Some(types)) if !types.contains(&state.state_type) => {
                let message = format!(
                    "the state `{name}` is a {} state, expected a {} state",
                    state.state_type,
                    types.join(" or ")
                );
                self.refuse(pointer, message);
            }
            _ => {}
        }
    }
}
