//! What goes from state to state, with its text.

use std::sync::OnceLock;

use serde_json::Value;

/// A value that states hand on; its JSON text is made once, when the first event shows it.
///
/// The output of one state is the input of the next, and most states change nothing.
#[derive(Debug)]
pub(crate) struct Carried {
    value: Value,
    text: OnceLock<String>,
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
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    pub(crate) fn into_value(self) -> Value {
        self.value
    }

    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| written(&self.value))
    }
}

/// Writes a value as compact JSON text; several times faster than its `Display`.
pub(crate) fn written(value: &Value) -> String {
    serde_json::to_string(value).expect("a value has only text as keys")
}
