//! The Fail state.

use serde_json::Value;

use crate::definition::field_values::{Setting, SettingSource};
use crate::definition::model;
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::failure::Failure;

/// Builds the failure with which the state ends; returns `Err` if `Error` or `Cause` cannot be evaluated.
pub(crate) fn perform(
    attempt: &Attempt<'_>,
    fail: &model::Fail,
    input: &Value,
) -> Result<Failure, Failure> {
    let error = text(attempt, fail.error.as_ref(), input)?;
    let cause = text(attempt, fail.cause.as_ref(), input)?;
    Ok(Failure::reported(error, cause))
}

/// Evaluates `Error` or `Cause`; fails if the value is not a string.
fn text(
    attempt: &Attempt<'_>,
    setting: Option<&Setting>,
    input: &Value,
) -> Result<Option<String>, Failure> {
    let Some(setting) = setting else {
        return Ok(None);
    };
    let value = match &setting.source {
        SettingSource::Path(selector) => attempt.template_path(selector, setting.field, input)?,
        _ => attempt.setting(setting, FieldData::of(input))?,
    };
    match value {
        Value::String(text) => Ok(Some(text)),
        other => Err(match &setting.source {
            SettingSource::Jsonata { text, .. } => {
                attempt.unexpected_type(text, setting.field, "string", &other)
            }
            SettingSource::Path(selector) => attempt.runtime(&format!(
                "The {} field refers to value {other} which is not a string: {}",
                setting.field, selector.text
            )),
            SettingSource::Literal(_) => {
                attempt.runtime(&format!("The {} field is not a string", setting.field))
            }
        }),
    }
}
