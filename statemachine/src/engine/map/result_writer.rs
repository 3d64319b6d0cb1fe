//! The `ResultWriter`, which returns the results of child executions as the state's output or writes them to S3.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::definition::map::{ResultWriter, Transformation};
use crate::definition::{QueryLanguage, Resource};
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::clock::date_text;
use crate::engine::execution::environment::ARN_PREFIX;
use crate::engine::execution::execution_handle::Status;
use crate::engine::failure::{Failure, names};
use crate::engine::map::child_executions::{ChildExecution, ChildExecutions};
use crate::engine::map::object_call::{ObjectCall, call};
use crate::json_text::written;

/// The ARN of the resource that writes one object to S3.
const PUT_OBJECT: &str = "arn:aws:states:::s3:putObject";

/// The results of a Map Run, as the writer receives them.
#[derive(Clone, Copy)]
pub(crate) struct MapRunResults<'a> {
    /// The ARN of the Map Run, whose last part names the folder of the results.
    pub(crate) map_run: &'a str,
    /// The Map's label, which is part of the state machine ARN of its child executions.
    pub(crate) label: &'a str,
    /// The child executions of the Map Run, including those that never started.
    pub(crate) children: &'a ChildExecutions,
}

/// Writes the results and returns the state's output: the bucket and key of their manifest, or the results themselves
/// if the writer has no resource.
pub(crate) async fn write(
    attempt: &Attempt<'_>,
    writer: &ResultWriter,
    input: &Value,
    results: MapRunResults<'_>,
) -> Result<Value, Failure> {
    let map_run = results.map_run;
    let (succeeded, failed): (Vec<&ChildExecution>, Vec<&ChildExecution>) = results
        .children
        .ended
        .iter()
        .partition(|child| child.outcome.status == Status::Succeeded);
    let succeeded = transform(attempt, writer.transformation, results.label, &succeeded);
    let Some(resource) = &writer.resource else {
        return Ok(Value::Array(succeeded));
    };
    // A failed execution has no output to transform.
    let failed = transform(attempt, Transformation::None, results.label, &failed);
    let pending = results.children.pending.iter().map(pending).collect();
    let parameters = match &writer.parameters {
        Some(parameters) => {
            let field = match attempt.state.language {
                QueryLanguage::JsonPath => "ResultWriter/Parameters",
                QueryLanguage::Jsonata => "ResultWriter/Arguments",
            };
            attempt.payload(parameters, field, FieldData::of(input))?
        }
        None => Value::Object(Map::new()),
    };
    let text = |name: &str| {
        parameters
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let bucket = text("Bucket");
    let id = map_run.rsplit(':').next().unwrap_or(map_run);
    let folder = match text("Prefix").trim_end_matches('/') {
        "" => id.to_owned(),
        prefix => format!("{prefix}/{id}"),
    };
    let mut result_files = Map::new();
    for (name, results) in [
        ("FAILED", failed),
        ("PENDING", pending),
        ("SUCCEEDED", succeeded),
    ] {
        let mut files = Vec::new();
        if !results.is_empty() {
            // JSON Lines have the same file name.
            let key = format!("{folder}/{name}_0.json");
            let body = if writer.lines {
                results.iter().fold(String::new(), |lines, result| {
                    lines + &result.to_string() + "\n"
                })
            } else {
                Value::Array(results).to_string()
            };
            files.push(json!({"Key": key, "Size": body.len()}));
            put(attempt, resource, &bucket, &key, body).await?;
        }
        result_files.insert(name.to_owned(), Value::Array(files));
    }
    let key = format!("{folder}/manifest.json");
    let manifest =
        json!({"DestinationBucket": bucket, "MapRunArn": map_run, "ResultFiles": result_files});
    put(attempt, resource, &bucket, &key, manifest.to_string()).await?;
    Ok(json!({"MapRunArn": map_run, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}))
}

/// Stores one object. If the call fails, the ResultWriter fails with the cause of the call.
async fn put(
    attempt: &Attempt<'_>,
    resource: &Resource,
    bucket: &str,
    key: &str,
    body: String,
) -> Result<(), Failure> {
    // Older definitions name the resource without its call.
    let resource = if resource.arn().is_empty() {
        Resource::parse(PUT_OBJECT)
    } else {
        resource.clone()
    };
    let request = ObjectCall {
        resource,
        input: json!({"Bucket": bucket, "Key": key}),
        body: Some(Bytes::from(body)),
    };
    call(attempt, request).await.map(drop).map_err(|error| {
        let cause = error.cause.or(error.error);
        Failure::ordinary(
            names::RESULT_WRITER_FAILED,
            cause.unwrap_or_else(|| {
                format!("The key '{key}' could not be written to the bucket '{bucket}'.")
            }),
        )
    })
}

/// Returns the results in the form that `Transformation` asks for; `FLATTEN` may return more results than there are
/// children.
fn transform(
    attempt: &Attempt<'_>,
    transformation: Transformation,
    label: &str,
    children: &[&ChildExecution],
) -> Vec<Value> {
    let output = |child: &ChildExecution| child.outcome.output.clone().unwrap_or(Value::Null);
    match transformation {
        Transformation::None => children
            .iter()
            .map(|child| described(attempt, label, child))
            .collect(),
        Transformation::Compact => children.iter().map(|child| output(child)).collect(),
        Transformation::Flatten => children
            .iter()
            .flat_map(|child| match output(child) {
                Value::Array(items) => items,
                other => vec![other],
            })
            .collect(),
    }
}

/// Builds the description of an execution that was never started, which has no name and no date.
fn pending(input: &Value) -> Value {
    json!({
        "Input": written(input),
        "InputDetails": {"Included": true},
        "Status": "PENDING",
    })
}

/// Builds the description of a child execution, as `DescribeExecution` returns it.
fn described(attempt: &Attempt<'_>, label: &str, child: &ChildExecution) -> Value {
    let names = &attempt.run.environment.names;
    let outcome = &child.outcome;
    let mut description = Map::new();
    let mut put = |name: &str, value: Value| description.insert(name.to_owned(), value);
    if let Some(cause) = &outcome.cause {
        put("Cause", json!(cause));
    }
    if let Some(error) = &outcome.error {
        put("Error", json!(error));
    }
    put("ExecutionArn", json!(*child.execution));
    put("Input", json!(written(&child.input)));
    put("InputDetails", json!({"Included": true}));
    put("Name", json!(child.execution.rsplit(':').next()));
    if let Some(output) = &outcome.output {
        put("Output", json!(written(output)));
        put("OutputDetails", json!({"Included": true}));
    }
    put("RedriveCount", json!(0));
    if outcome.status == Status::Succeeded {
        put("RedriveStatus", json!("NOT_REDRIVABLE"));
        put(
            "RedriveStatusReason",
            json!("Execution is SUCCEEDED and cannot be redriven"),
        );
    } else {
        put("RedriveStatus", json!("REDRIVABLE"));
    }
    put("StartDate", json!(date_text(outcome.started_at)));
    put(
        "StateMachineArn",
        json!(format!(
            "{ARN_PREFIX}:stateMachine:{}/{label}",
            names.machine
        )),
    );
    put("Status", json!(outcome.status.as_str()));
    put("StopDate", json!(date_text(outcome.stopped_at)));
    Value::Object(description)
}
