//! The data that passes from state to state, with its JSON text.

use serde_json::{Map, Value};

use crate::json_text::JsonText;
use crate::template::{BuiltBy, Template};

/// Variables and their values, by name.
pub(crate) type Variables = Map<String, Value>;

/// A value that passes from state to state; its JSON text is written once, however many events show it.
///
/// The output of one state is the input of the next, and most states change nothing.
#[derive(Debug)]
pub(crate) struct StateData {
    /// The value, which is the raw input of the next state.
    value: Value,
    /// The value as JSON text; `None` until it is written for the first time.
    text: Option<JsonText>,
    /// The template that built the value; `None` if that template cannot overwrite the value in place. Fields may have
    /// been appended to the value since.
    builder: Option<BuiltBy>,
}

impl From<Value> for StateData {
    fn from(value: Value) -> Self {
        Self {
            value,
            text: None,
            builder: None,
        }
    }
}

impl StateData {
    /// Creates the data of a value whose text was written while its length was checked.
    pub(crate) fn with_text(value: Value, text: JsonText) -> Self {
        Self {
            value,
            text: Some(text),
            builder: None,
        }
    }

    /// Sets the template that built the value.
    pub(crate) fn built_by(self, builder: Option<BuiltBy>) -> Self {
        Self { builder, ..self }
    }

    /// Returns the template that built the value, if it can build in place.
    pub(crate) fn builder(&self) -> Option<BuiltBy> {
        self.builder
    }

    /// Returns `true` if this template built the value and can build in place.
    pub(crate) fn is_built_by(&self, template: &Template) -> bool {
        self.builder.is_some() && self.builder == template.builder()
    }

    /// Returns the value by reference, whether or not its text is written.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the value and its text, whose memory can be reused.
    pub(crate) fn into_parts(self) -> (Value, Option<JsonText>) {
        (self.value, self.text)
    }

    /// Returns the value and drops its text.
    pub(crate) fn into_value(self) -> Value {
        self.value
    }

    /// Takes the text, and writes it first if there is none; [`return_text`](Self::return_text) puts it back.
    pub(super) fn lend_text(&mut self) -> JsonText {
        self.text
            .take()
            .unwrap_or_else(|| JsonText::of(&self.value))
    }

    /// Takes the text; `None` if it was not written.
    pub(super) fn take_text(&mut self) -> Option<JsonText> {
        self.text.take()
    }

    /// Puts back a text that [`lend_text`](Self::lend_text) or [`take_text`](Self::take_text) took, for reuse.
    pub(super) fn return_text(&mut self, text: Option<JsonText>) {
        self.text = text;
    }
}
