//! Reads Task states.

use crate::definition::field_values::Payload;
use crate::definition::model::{MachineType, QueryLanguage, StateKind};
use crate::definition::read::field_values::Expected;
use crate::definition::read::flow::LONGEST_SECONDS;
use crate::definition::read::object_fields::Fields;
use crate::definition::task::{Resource, ResourceKind, Task};
use crate::diagnostics::diagnostic::Code;

impl Fields<'_> {
    /// Reads the fields that only a Task state has, such as `Resource`.
    pub(crate) fn task(&self, language: QueryLanguage, machine_type: MachineType) -> StateKind {
        let resource = if self.require(&["Resource"]) {
            self.resource(machine_type)
        } else {
            None
        };
        let within = Expected::Whole(1, LONGEST_SECONDS);
        let task = Task {
            resource: resource.unwrap_or_else(|| Resource::parse("")),
            timeout: self.setting("TimeoutSeconds", "TimeoutSecondsPath", language, within),
            heartbeat: self.setting("HeartbeatSeconds", "HeartbeatSecondsPath", language, within),
            credentials: self.credentials(language),
        };
        if let (Some(timeout), Some(heartbeat)) = (
            self.get("TimeoutSeconds")
                .and_then(serde_json::Value::as_f64),
            self.get("HeartbeatSeconds")
                .and_then(serde_json::Value::as_f64),
        ) && heartbeat >= timeout
        {
            self.refuse(
                "HeartbeatSeconds",
                "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'",
            );
        }
        StateKind::Task(Box::new(task))
    }

    /// Reads `Resource`; placeholders of deployment tools (`${..}`) are accepted.
    fn resource(&self, machine_type: MachineType) -> Option<Resource> {
        const NAME: &str = "Resource";
        let text = self.text(NAME)?;
        if !text.starts_with("arn:") && !text.contains("${") {
            self.refuse_as(
                Code::InvalidResource,
                NAME,
                format!("The resource provided {text} is not a valid ARN"),
            );
            return None;
        }
        let resource = Resource::parse(text);
        if machine_type == MachineType::Express {
            if let Some(pattern) = resource.pattern() {
                self.refuse(
                    NAME,
                    format!(
                        "Express state machine does not support '{pattern}' service integration"
                    ),
                );
            } else if *resource.kind() == ResourceKind::Activity && text.contains(":activity:") {
                self.refuse(NAME, "Express state machine does not support activities");
            }
        }
        Some(resource)
    }

    /// Reads `Credentials`; reports an object without a `RoleArn`.
    fn credentials(&self, language: QueryLanguage) -> Option<Payload> {
        const NAME: &str = "Credentials";
        let value = self.get(NAME)?;
        if let Some(fields) = value.as_object()
            && !["RoleArn", "RoleArn.$"]
                .iter()
                .any(|name| fields.contains_key(*name))
        {
            self.refuse(NAME, "The field 'RoleArn' is required but was missing");
        }
        self.payload(NAME, language)
    }
}
