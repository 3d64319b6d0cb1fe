//! What AWS takes and practice regrets.

use serde_json::Value;

use crate::definition::model::Flow;
use crate::validate::Diagnostic;

/// Looks for warnings in a definition without errors.
pub(crate) fn check(_source: &Value, _flow: &Flow) -> Vec<Diagnostic> {
    Vec::new()
}
