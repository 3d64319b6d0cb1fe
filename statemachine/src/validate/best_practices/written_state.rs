//! A parsed state together with its JSON and its JSON pointer, as the checks need them.

use serde_json::Value;

use crate::definition::model::State;
use crate::diagnostics::diagnostic::{Code, Diagnostic};

/// A parsed state together with its JSON and its JSON pointer.
#[derive(Clone, Copy)]
pub(super) struct WrittenState<'a> {
    /// The parsed state, for checks that need resolved paths and targets.
    pub(super) state: &'a State,
    /// The state as JSON, for checks that need the text of its fields.
    pub(super) source: &'a Value,
    /// The state's JSON pointer in the definition.
    pub(super) pointer: &'a str,
}

impl WrittenState<'_> {
    /// Builds a warning; `pointer` is relative to the state.
    pub(super) fn warn(&self, code: Code, pointer: &str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, &format!("{}{pointer}", self.pointer), message)
    }
}
