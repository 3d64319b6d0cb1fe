//! Small machines and task handlers that several subjects are tested with.

use drivetrain_statemachine::{Machine, Outcome, TaskCall, TaskError};
use serde_json::{Value, json};

pub const INTEGRATION: &str = "arn:aws:states:::lambda:invoke";

pub fn machine(definition: &Value) -> Machine {
    Machine::parse(&definition.to_string()).unwrap()
}

pub fn one_task(resource: &str, fields: Value) -> Machine {
    let mut state = json!({"Type": "Task", "Resource": resource, "End": true});
    state
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    machine(&json!({"StartAt": "T", "States": {"T": state}}))
}

pub async fn echo(call: TaskCall) -> Result<Value, TaskError> {
    Ok(call.input)
}

pub async fn silent(_call: TaskCall) -> Result<Value, TaskError> {
    std::future::pending().await
}

pub fn seconds(outcome: &Outcome) -> i64 {
    (outcome.stopped_at - outcome.started_at).num_seconds()
}
