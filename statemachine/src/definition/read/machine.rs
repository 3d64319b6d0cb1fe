//! Reads the top level of a definition.

use std::time::Duration;

use serde_json::Value;

use crate::definition::model::{Flow, MachineType};
use crate::definition::read::allowed_fields::MACHINE;
use crate::definition::read::flow::{InheritedSettings, LONGEST_SECONDS, read_flow};
use crate::definition::read::object_fields::{DiagnosticCollector, Fields};
use crate::diagnostics::diagnostic::{Code, Diagnostic};

/// Reads a machine with all its states. Returns its flow and its timeout; `None` if the value is not an object.
pub(crate) fn read_machine(
    value: &Value,
    machine_type: MachineType,
    problems: &DiagnosticCollector,
) -> Option<(Flow, Option<Duration>)> {
    if !value.is_object() {
        problems.note(Diagnostic::of_text(
            Code::SchemaValidationFailed,
            "Definition must be a valid JSON object",
        ));
        return None;
    }
    let fields = Fields::of(value, "", problems)?;
    fields.only(&[MACHINE]);
    fields.text("Comment");
    let language = fields.language().unwrap_or_default();
    let timeout = fields
        .integer("TimeoutSeconds", 1, LONGEST_SECONDS)
        .map(Duration::from_secs);
    if fields
        .get("Version")
        .is_some_and(|version| version != "1.0")
    {
        fields.refuse("Version", "Value must be '1.0'");
    }
    let around = InheritedSettings {
        language,
        machine_type,
    };
    Some((read_flow(&fields, around), timeout))
}
