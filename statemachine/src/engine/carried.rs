//! What goes from state to state, with its text.

use std::sync::OnceLock;

use serde_json::Value;

use crate::engine::json_text::JsonText;

/// A value that states hand on; its JSON text is made once, however many events show it.
///
/// The output of one state is the input of the next, and most states change nothing.
#[derive(Debug)]
pub(crate) struct Carried {
    value: Value,
    text: OnceLock<JsonText>,
}

impl From<Value> for Carried {
    fn from(value: Value) -> Self {
        Self {
            value,
            text: OnceLock::new(),
        }
    }
}

impl Carried {
    /// Takes a value whose text has been made already, while its length was looked at.
    pub(crate) fn with_text(value: Value, text: JsonText) -> Self {
        Self {
            value,
            text: OnceLock::from(text),
        }
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn into_value(self) -> Value {
        self.value
    }

    pub(crate) fn text(&self) -> JsonText {
        self.text.get_or_init(|| JsonText::of(&self.value)).clone()
    }

    /// Gives the value, and the text that is not needed any more.
    pub(crate) fn into_parts(self) -> (Value, Option<JsonText>) {
        (self.value, self.text.into_inner())
    }
}
