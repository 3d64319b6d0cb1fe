//! One state with its JSON and its pointer.

use serde_json::Value;

use crate::definition::model::State;
use crate::diagnostics::diagnostic::{Code, Diagnostic};

/// One state with its JSON and its pointer.
#[derive(Clone, Copy)]
pub(super) struct WrittenState<'a> {
    pub(super) state: &'a State,
    pub(super) source: &'a Value,
    pub(super) pointer: &'a str,
}

impl WrittenState<'_> {
    pub(super) fn warn(&self, code: Code, pointer: &str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, &format!("{}{pointer}", self.pointer), message)
    }
}
