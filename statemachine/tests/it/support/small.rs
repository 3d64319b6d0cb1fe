//! Small machines and task handlers that several tests share.

use drivetrain_statemachine::{Engine, Machine, Outcome, TaskCall, TaskFailure, TaskHandler};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;

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

pub async fn echo(call: TaskCall) -> Result<Value, TaskFailure> {
    Ok(call.input)
}

pub async fn silent(_call: TaskCall) -> Result<Value, TaskFailure> {
    std::future::pending().await
}

pub fn seconds(outcome: &Outcome) -> i64 {
    (outcome.stopped_at - outcome.started_at).num_seconds()
}

pub async fn refuse(call: TaskCall) -> Result<Value, TaskFailure> {
    Err(TaskFailure::new("NoTask", call.state))
}

pub fn map(fields: Value, processor: Value) -> Machine {
    let mut state = json!({"Type": "Map", "End": true, "ItemProcessor": processor});
    state
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    machine(&json!({"StartAt": "M", "States": {"M": state}}))
}

pub fn distributed(mut processor: Value) -> Value {
    processor["ProcessorConfig"] = json!({"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"});
    processor
}

pub fn pass() -> Value {
    json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}})
}

pub fn run(machine: &Machine, handler: impl TaskHandler + 'static, input: Value) -> Outcome {
    in_virtual_time(Engine::new(handler).run(machine, input)).unwrap()
}
