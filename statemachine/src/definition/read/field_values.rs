//! Reads fields whose value may be a literal, a path, a template or an expression.

use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::definition::field_values::{Payload, Selector, SelectorSource, Setting, SettingSource};
use crate::definition::jsonata_field::{JsonataField, StatesReads};
use crate::definition::model::{DataPath, ResultPath};
use crate::definition::read::object_fields::Fields;
use crate::diagnostics::diagnostic::{Code, Diagnostic};
use crate::error::ErrorKind;
use crate::intrinsics::Call;
use crate::json_pointer::child_pointer;
use crate::jsonata::{self, expression_text};
use crate::jsonpath::{Query, ReferencePath};
use crate::template::Template;

/// The type and the range that a single value must have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expected {
    /// A string; its `..Path` field may also hold an intrinsic function call.
    Text,
    /// A whole number between two bounds, both included.
    Whole(u64, u64),
    /// A number from 0 to 100, with or without a fraction.
    Percentage,
}

impl Fields<'_> {
    /// Reads a field that must be a path; reports a value that is not a valid path.
    pub(crate) fn path(&self, name: &str) -> Option<Selector> {
        let text = self.text(name)?;
        match Query::parse(text) {
            Ok(query) => Some(Selector {
                text: text.to_owned(),
                source: SelectorSource::Query(query),
            }),
            Err(error) => {
                self.refuse(name, format!("Value is not a Reference Path: {error:#}"));
                None
            }
        }
    }

    /// Reads a path, or a call of an intrinsic function, which `ErrorPath` and `CausePath` may hold.
    fn path_or_call(&self, name: &str) -> Option<Selector> {
        let text = self.text(name)?;
        if text.starts_with('$') {
            return self.path(name);
        }
        match Call::parse(text) {
            Ok(call) => Some(Selector {
                text: text.to_owned(),
                source: SelectorSource::Call(call),
            }),
            Err(error) => {
                self.refuse(
                    name,
                    format!("Value is not a Reference Path or an intrinsic function: {error:#}"),
                );
                None
            }
        }
    }

    /// Reads `InputPath` or `OutputPath`; a path that is invalid is reported and counts as absent.
    pub(crate) fn data_path(&self, name: &str) -> DataPath {
        match self.get(name) {
            None => DataPath::Whole,
            Some(Value::Null) => DataPath::Empty,
            Some(Value::String(text)) if text == "$" => DataPath::Whole,
            Some(_) => self.path(name).map(DataPath::Selected).unwrap_or_default(),
        }
    }

    /// Reads `ResultPath`; a path that is invalid is reported and counts as `$`.
    pub(crate) fn result_path(&self) -> ResultPath {
        const NAME: &str = "ResultPath";
        match self.get(NAME) {
            None => ResultPath::Replace,
            Some(Value::Null) => ResultPath::Discard,
            Some(Value::String(text)) if text == "$" => ResultPath::Replace,
            Some(_) => {
                let Some(text) = self.text(NAME) else {
                    return ResultPath::Replace;
                };
                match ReferencePath::parse(text) {
                    Ok(path) => ResultPath::Insert(text.to_owned(), path),
                    Err(error) => {
                        self.refuse(NAME, format!("Value is not a Reference Path: {error:#}"));
                        ResultPath::Replace
                    }
                }
            }
        }
    }

    /// Reads a payload: a payload template in a JSONPath state, a value with expressions in a JSONata state.
    pub(crate) fn payload(&self, name: &str, language: QueryLanguage) -> Option<Payload> {
        let value = self.get(name)?;
        match language {
            QueryLanguage::JsonPath => match Template::parse(value) {
                Ok(template) => Some(Payload::JsonPath(template)),
                Err(error) => {
                    for problem in error.problems() {
                        let pointer = format!("{}{}", self.at(name), problem.pointer);
                        let code = match problem.kind {
                            ErrorKind::LimitExceeded => Code::TooDeeplyNested,
                            _ => Code::SchemaValidationFailed,
                        };
                        self.problems
                            .note(Diagnostic::error(code, &pointer, &problem.message));
                    }
                    None
                }
            },
            QueryLanguage::Jsonata => self.jsonata(name, value).map(Payload::Jsonata),
        }
    }

    /// Reads a payload that must be an object, such as `Assign`.
    pub(crate) fn object_payload(&self, name: &str, language: QueryLanguage) -> Option<Payload> {
        let value = self.get(name)?;
        if !value.is_object() {
            self.refuse(name, "Expected value of type [OBJECT]");
            return None;
        }
        self.payload(name, language)
    }

    /// Parses a value as a JSONata template; reports its problems under the field `name`.
    pub(crate) fn jsonata(&self, name: &str, value: &Value) -> Option<JsonataField> {
        match jsonata::JsonataTemplate::parse(value) {
            Ok(template) => Some(JsonataField {
                template,
                reads: StatesReads::of(value),
            }),
            Err(error) => {
                for problem in error.problems() {
                    let code = match problem.kind {
                        ErrorKind::UnsupportedExpression => Code::UnsupportedJsonataExpression,
                        ErrorKind::InvalidExpression => Code::InvalidJsonataExpression,
                        _ => Code::SchemaValidationFailed,
                    };
                    let pointer = format!("{}{}", self.at(name), problem.pointer);
                    self.problems
                        .note(Diagnostic::error(code, &pointer, &problem.message));
                }
                None
            }
        }
    }

    /// Reads a single value: a literal or an expression in the field `name`, or a path in the field `path_name`.
    pub(crate) fn setting(
        &self,
        name: &'static str,
        path_name: &'static str,
        language: QueryLanguage,
        expected: Expected,
    ) -> Option<Setting> {
        self.at_most_one(&[name, path_name]);
        if language == QueryLanguage::JsonPath && self.has(path_name) {
            let selector = match expected {
                Expected::Text => self.path_or_call(path_name),
                _ => self.path(path_name),
            };
            return selector.map(|selector| Setting {
                field: path_name,
                source: SettingSource::Path(selector),
            });
        }
        let value = self.get(name)?;
        if language == QueryLanguage::Jsonata
            && let Some(text) = value.as_str().and_then(expression_text)
        {
            return self.jsonata(name, value).map(|template| Setting {
                field: name,
                source: SettingSource::Jsonata {
                    text: text.trim().to_owned(),
                    template,
                },
            });
        }
        let valid = match expected {
            Expected::Text => self.text(name).is_some(),
            Expected::Whole(from, to) => self.integer(name, from, to).is_some(),
            Expected::Percentage => self.number(name, 0.0, 100.0).is_some(),
        };
        valid.then(|| Setting {
            field: name,
            source: SettingSource::Literal(value.clone()),
        })
    }

    /// Calls `visit` with each object in an array; reports items that are not objects.
    pub(crate) fn objects(&self, name: &str, mut visit: impl FnMut(Fields<'_>)) {
        let pointer = self.at(name);
        for (index, item) in self.array(name).unwrap_or_default().iter().enumerate() {
            if let Some(fields) = Fields::of(
                item,
                &child_pointer(&pointer, &index.to_string()),
                self.problems,
            ) {
                visit(fields);
            }
        }
    }
}
