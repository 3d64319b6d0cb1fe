//! Checks payloads for paths and calls that are never evaluated, and for results that may be too large.

use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::definition::model::{MapState, ResultPath, StateKind};
use crate::definition::task::ResourceKind;
use crate::diagnostics::diagnostic::{Code, Diagnostic};
use crate::json_pointer::PointerWalk;
use crate::validate::best_practices::written_state::WrittenState;

/// The service calls whose response may have any size.
const UNBOUNDED_CALLS: [(&str, &str); 3] = [
    ("aws-sdk:s3", "getObject"),
    ("athena", "getQueryResults"),
    ("aws-sdk:athena", "getQueryResults"),
];

/// Checks a state's payload templates, its `Result` and whether its output may be too large.
pub(super) fn check(written: WrittenState<'_>) -> Vec<Diagnostic> {
    let mut walk = PointerWalk::new();
    if written.state.language == QueryLanguage::JsonPath {
        for field in ["Parameters", "ResultSelector", "ItemSelector", "Assign"] {
            if let Some(template) = written.source.get(field) {
                walk.in_field(field, |walk| plain_paths(written, template, walk));
            }
        }
        if written.source.get("Result").is_some_and(holds_path) {
            walk.in_field("Result", |walk| {
                let message =
                    "Attempt to use a path in the result of a Pass state, which is never evaluated";
                walk.note(|pointer| {
                    let warning = written.warn(Code::PassResultIsStatic, pointer, message);
                    warning.hint("use `Parameters` instead of `Result` to evaluate paths")
                });
            });
        }
    }
    let mut findings = walk.into_problems();
    findings.extend(too_large(written));
    findings
}

/// Reports values that look like paths or calls under keys that do not end in `.$`.
fn plain_paths(written: WrittenState<'_>, template: &Value, walk: &mut PointerWalk<Diagnostic>) {
    match template {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !name.ends_with(".$")) {
                let (code, message) = if looks_like_path(value) {
                    (
                        Code::NoPath,
                        "Field value looks like a path, but field name does not end with '.$'",
                    )
                } else if looks_like_call(value) {
                    (
                        Code::NoDollar,
                        "No '.$' on a field that appears to be an intrinsic function",
                    )
                } else {
                    walk.in_field(name, |walk| plain_paths(written, value, walk));
                    continue;
                };
                walk.in_field(name, |walk| {
                    walk.note(|pointer| {
                        let warning = written.warn(code, pointer, format!("{message}: {name}"));
                        warning.hint(format!(
                            "rename the field to `{name}.$` to compute its value"
                        ))
                    });
                });
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk.in_item(index, |walk| plain_paths(written, item, walk));
            }
        }
        _ => {}
    }
}

/// Returns `true` if a value is a string that looks like a path.
fn looks_like_path(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.starts_with("$.") || text.starts_with("$$.") || text == "$" || text == "$$"
    })
}

/// Returns `true` if a value is a string that looks like a call of an intrinsic function.
fn looks_like_call(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.starts_with("States.") && text.ends_with(')'))
}

/// Returns `true` if a value contains a string that looks like a path, or a string under a key that ends in `.$`.
fn holds_path(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.ends_with(".$") && value.is_string() || holds_path(value)),
        Value::Array(items) => items.iter().any(holds_path),
        value => looks_like_path(value) && value != "$",
    }
}

/// Returns `true` if the results are exported to S3; a `ResultWriter` without a `Resource` only transforms them.
fn exports(map: &MapState) -> bool {
    let writer = map.writer.as_ref();
    writer.is_some_and(|writer| writer.resource.is_some())
}

/// Returns a warning if the state's result has no size limit and the state passes the whole result on.
fn too_large(written: WrittenState<'_>) -> Option<Diagnostic> {
    let state = written.state;
    let keeps_result = !matches!(state.result_path, ResultPath::Discard);
    let reshapes = state.result_selector.is_some() || state.output.is_some();
    match &state.kind {
        StateKind::Map(map)
            if map.distributed.is_some() && !exports(map) && keeps_result && !reshapes =>
        {
            let message =
                "the results of all items together may exceed 256 KiB, which fails the state";
            let warning = written.warn(Code::PayloadMayExceedLimit, "", message);
            Some(warning.hint(
                "export the results with `ResultWriter`, or drop them with `\"ResultPath\": null`",
            ))
        }
        StateKind::Task(task) if keeps_result && !reshapes => {
            let ResourceKind::Integration { service, call } = task.resource.kind() else {
                return None;
            };
            let is_unbounded = UNBOUNDED_CALLS.contains(&(service.as_str(), call.as_str()));
            is_unbounded.then(|| {
                let message =
                    format!("the response of `{call}` may exceed 256 KiB, which fails the state");
                let warning = written.warn(Code::PayloadMayExceedLimit, "", message);
                warning
                    .hint("keep only the needed fields with `ResultSelector`, or read the data inside a Lambda function or a job")
            })
        }
        _ => None,
    }
}
