//! The `ResultWriter`: what the child executions gave, as objects in S3 or as the state's output.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::definition::map::{ResultWriter, Transformation};
use crate::definition::{QueryLanguage, Resource};
use crate::engine::clock::date_text;
use crate::engine::execution::Status;
use crate::engine::failure::{Failure, names};
use crate::engine::frame::{Data, Frame};
use crate::engine::map_run::Child;
use crate::engine::object_call::{ObjectCall, call};

const PUT_OBJECT: &str = "arn:aws:states:::s3:putObject";

/// Writes the results and gives the state's output: where they are, or they themselves.
pub(crate) async fn write(
    frame: &Frame<'_>,
    writer: &ResultWriter,
    input: &Value,
    map_run: &str,
    children: &[Child],
) -> Result<Value, Failure> {
    let by_status = |status: Status| -> Vec<Value> {
        let chosen: Vec<&Child> = children
            .iter()
            .filter(|child| child.outcome.status == status)
            .collect();
        transform(frame, writer.transformation, &chosen)
    };
    let Some(resource) = &writer.resource else {
        return Ok(Value::Array(by_status(Status::Succeeded)));
    };
    let parameters = match &writer.parameters {
        Some(parameters) => {
            let field = match frame.state.language {
                QueryLanguage::JsonPath => "ResultWriter/Parameters",
                QueryLanguage::Jsonata => "ResultWriter/Arguments",
            };
            frame.payload(parameters, field, Data::of(input))?
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
    for (name, status) in [
        ("FAILED", Status::Failed),
        ("PENDING", Status::Aborted),
        ("SUCCEEDED", Status::Succeeded),
    ] {
        let results = by_status(status);
        let mut files = Vec::new();
        if !results.is_empty() {
            let extension = if writer.lines { "jsonl" } else { "json" };
            let key = format!("{folder}/{name}_0.{extension}");
            let body = if writer.lines {
                results.iter().fold(String::new(), |lines, result| {
                    lines + &result.to_string() + "\n"
                })
            } else {
                Value::Array(results).to_string()
            };
            files.push(json!({"Key": key, "Size": body.len()}));
            put(frame, resource, &bucket, &key, body).await?;
        }
        result_files.insert(name.to_owned(), Value::Array(files));
    }
    let key = format!("{folder}/manifest.json");
    let manifest =
        json!({"DestinationBucket": bucket, "MapRunArn": map_run, "ResultFiles": result_files});
    put(frame, resource, &bucket, &key, manifest.to_string()).await?;
    Ok(json!({"MapRunArn": map_run, "ResultWriterDetails": {"Bucket": bucket, "Key": key}}))
}

async fn put(
    frame: &Frame<'_>,
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
    call(frame, request).await.map(drop).map_err(|error| {
        let cause = error.cause.or(error.error);
        Failure::ordinary(
            names::RESULT_WRITER_FAILED,
            cause.unwrap_or_else(|| "The results could not be written.".to_owned()),
        )
    })
}

fn transform(frame: &Frame<'_>, transformation: Transformation, children: &[&Child]) -> Vec<Value> {
    let output = |child: &Child| child.outcome.output.clone().unwrap_or(Value::Null);
    match transformation {
        Transformation::None => children
            .iter()
            .map(|child| described(frame, child))
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

/// Describes a child execution as `DescribeExecution` does.
fn described(frame: &Frame<'_>, child: &Child) -> Value {
    let arn = &*child.execution;
    let mut description = json!({
        "ExecutionArn": arn,
        "Input": child.input.to_string(),
        "InputDetails": {"Included": true},
        "Name": arn.rsplit(':').next(),
        "StartDate": date_text(child.outcome.started_at),
        "StateMachineArn": format!(
            "arn:aws:states:{}:{}:stateMachine:{}",
            frame.run.shared.names.region, frame.run.shared.names.account, frame.run.shared.names.machine
        ),
        "Status": child.outcome.status.as_str(),
        "StopDate": date_text(child.outcome.stopped_at),
    });
    if let Value::Object(fields) = &mut description {
        if let Some(output) = &child.outcome.output {
            fields.insert("Output".to_owned(), output.to_string().into());
            fields.insert("OutputDetails".to_owned(), json!({"Included": true}));
        }
        for (name, text) in [
            ("Error", &child.outcome.error),
            ("Cause", &child.outcome.cause),
        ] {
            if let Some(text) = text {
                fields.insert(name.to_owned(), text.clone().into());
            }
        }
    }
    description
}
