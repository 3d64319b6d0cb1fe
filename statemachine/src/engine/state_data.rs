//! What goes from state to state, with its text.

use serde_json::{Map, Value};

use crate::json_text::JsonText;
use crate::template::{BuiltBy, Template};

/// The variables of a thread of states.
pub(crate) type Variables = Map<String, Value>;

/// A value that states hand on; its JSON text is made once, however many events show it.
///
/// The output of one state is the input of the next, and most states change nothing.
#[derive(Debug)]
pub(crate) struct StateData {
    value: Value,
    /// None until an event shows it.
    text: Option<JsonText>,
    /// The template that has built the value, if that can build anew in it; fields may have been appended since.
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
    /// Takes a value whose text has been made already, while its length was looked at.
    pub(crate) fn with_text(value: Value, text: JsonText) -> Self {
        Self {
            value,
            text: Some(text),
            builder: None,
        }
    }

    /// Notes which template has built the value.
    pub(crate) fn built_by(self, builder: Option<BuiltBy>) -> Self {
        Self { builder, ..self }
    }

    pub(crate) fn builder(&self) -> Option<BuiltBy> {
        self.builder
    }

    /// Tells whether a template has built the value and can build anew in it.
    pub(crate) fn is_built_by(&self, template: &Template) -> bool {
        self.builder.is_some() && self.builder == template.builder()
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// Gives the value, and the text that is not needed any more.
    pub(crate) fn into_parts(self) -> (Value, Option<JsonText>) {
        (self.value, self.text)
    }

    pub(crate) fn into_value(self) -> Value {
        self.value
    }

    /// Lends the text until it is given back.
    pub(super) fn lend_text(&mut self) -> JsonText {
        self.text
            .take()
            .unwrap_or_else(|| JsonText::of(&self.value))
    }

    /// Gives the text away, if there is one.
    pub(super) fn take_text(&mut self) -> Option<JsonText> {
        self.text.take()
    }

    /// Takes back what was lent.
    pub(super) fn return_text(&mut self, text: Option<JsonText>) {
        self.text = text;
    }
}
