//! Reads the fields of a test case and notes what is wrong with each, with its place.

use std::path::{Path, PathBuf};

use drivetrain_statemachine::{Machine, Place, Severity, duplicate_keys};
use serde_json::{Map, Value};

use crate::machines::definition::read_text;
use crate::machines::findings::finding::{CASE_RULE, Finding};

/// Everything that is wrong with the files of a test.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Notes more.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Finding>) {
        self.0.extend(more);
    }

    /// Gives all of them, each once, in the order of the files.
    #[must_use]
    pub fn take(&mut self) -> Vec<Finding> {
        let mut found = std::mem::take(&mut self.0);
        found.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        found.dedup();
        found
    }

    /// Reads a file that must hold JSON.
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
                self.extend(duplicate_keys(&text).iter().map(|twice| Finding {
                    severity: Severity::Error,
                    code: CASE_RULE.to_owned(),
                    ..Finding::of_machine(&file, twice)
                }));
                Some((text, value))
            }
            Err(error) => {
                let place = Place {
                    line: error.line(),
                    column: error.column(),
                };
                refuse(format!("the file is no JSON: {error}"), Some(place));
                None
            }
        }
    }
}

/// Reads the fields of one file.
pub struct Reader<'a> {
    path: PathBuf,
    text: &'a str,
    /// What was found so far, in all files.
    pub findings: &'a mut Findings,
}

impl<'a> Reader<'a> {
    /// Begins with a file.
    pub fn new(path: &Path, text: &'a str, findings: &'a mut Findings) -> Self {
        Self {
            path: path.to_owned(),
            text,
            findings,
        }
    }

    /// Counts what was found so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.findings.0.len()
    }

    /// Notes that something is wrong.
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

    /// Points to a field.
    #[must_use]
    pub fn below(pointer: &str, name: &str) -> String {
        format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
    }

    /// Takes an object.
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

    /// Refuses fields that there are not.
    pub fn only(&mut self, fields: &Map<String, Value>, pointer: &str, known: &[&str]) {
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let message = format!(
                "the field `{name}` is unknown, expected one of {}",
                known.join(", ")
            );
            self.refuse(&Self::below(pointer, name), message);
        }
    }

    /// Refuses two fields that say the same.
    pub fn not_both(&mut self, fields: &Map<String, Value>, pointer: &str, one: &str, other: &str) {
        if fields.contains_key(one) && fields.contains_key(other) {
            let message = format!("expected either `{one}` or `{other}`");
            self.refuse(&Self::below(pointer, other), message);
        }
    }

    /// Takes a text, where there is one.
    pub fn text<'v>(
        &mut self,
        fields: &'v Map<String, Value>,
        pointer: &str,
        name: &str,
    ) -> Option<&'v str> {
        let value = fields.get(name)?;
        if !value.is_string() {
            self.refuse(&Self::below(pointer, name), "expected a text");
        }
        value.as_str()
    }

    /// Takes a text or null, where there is one.
    pub fn text_or_null(
        &mut self,
        fields: &Map<String, Value>,
        pointer: &str,
        name: &str,
    ) -> Option<Value> {
        let value = fields.get(name)?;
        if !value.is_string() && !value.is_null() {
            self.refuse(&Self::below(pointer, name), "expected a text or null");
        }
        Some(value.clone())
    }

    /// Takes one of some words, where there is one.
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
        let message = format!("expected one of {}, got `{text}`", words.join(", "));
        self.refuse(&Self::below(pointer, name), message);
        None
    }

    /// Takes a number from 0, where there is one.
    pub fn whole(&mut self, fields: &Map<String, Value>, pointer: &str, name: &str) -> Option<u64> {
        let value = fields.get(name)?;
        if value.as_u64().is_none() {
            self.refuse(
                &Self::below(pointer, name),
                "expected a whole number from 0",
            );
        }
        value.as_u64()
    }

    /// Takes any number, where there is one.
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

    /// Takes a list of texts, where there is one.
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
            self.refuse(&Self::below(pointer, name), "expected a list of texts");
        }
        texts
    }

    /// Refuses names of states that the machine has not, or that are of no such type.
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

    /// Refuses the name of a state that the machine has not, or that is of no such type.
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
                    "the state `{name}` is a {} state and calls nothing",
                    state.state_type
                );
                self.refuse(pointer, message);
            }
            _ => {}
        }
    }
}
