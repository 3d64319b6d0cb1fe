//! What a test of one state sees of the way of its data.

use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

/// Notes the steps of one state's data, under the names of the TestState API.
#[derive(Debug, Default)]
pub(crate) struct Inspection(Mutex<Map<String, Value>>);

impl Inspection {
    pub(crate) fn note(&self, step: &str, value: Value) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(step.to_owned(), value);
    }

    pub(crate) fn take(&self) -> Map<String, Value> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
