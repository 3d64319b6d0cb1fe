//! The data that a JSONata expression can read.

use serde_json::{Map, Value};

/// The data that a JSONata expression can read.
#[derive(Debug, Clone, Copy)]
pub struct JsonataScope<'a> {
    /// The value of `$states`: an object with fields such as `input`, `result` and `context`.
    pub states: &'a Value,
    /// The variables assigned so far, read as `$name`.
    pub variables: &'a Map<String, Value>,
}
