//! What an expression can see.

use serde_json::{Map, Value};

/// What an expression can see.
#[derive(Debug, Clone, Copy)]
pub struct JsonataScope<'a> {
    /// What `$states` stands for.
    pub states: &'a Value,
    /// The variables assigned so far, `$name`.
    pub variables: &'a Map<String, Value>,
}
