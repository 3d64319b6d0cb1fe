//! The Fail state.

use serde_json::Value;

use crate::definition::field_values::{Setting, SettingSource};
use crate::definition::model;
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::failure::Failure;

/// Builds the failure that the state stands for, or the one of building it.
pub(crate) fn perform(
    frame: &Attempt<'_>,
    fail: &model::Fail,
    input: &Value,
) -> Result<Failure, Failure> {
    let error = text(frame, fail.error.as_ref(), input)?;
    let cause = text(frame, fail.cause.as_ref(), input)?;
    Ok(Failure::reported(error, cause))
}

fn text(
    frame: &Attempt<'_>,
    setting: Option<&Setting>,
    input: &Value,
) -> Result<Option<String>, Failure> {
    let Some(setting) = setting else {
        return Ok(None);
    };
    let value = match &setting.source {
        SettingSource::Path(selector) => frame.template_path(selector, setting.field, input)?,
        _ => frame.setting(setting, FieldData::of(input))?,
    };
    match value {
        Value::String(text) => Ok(Some(text)),
        other => Err(match &setting.source {
            SettingSource::Jsonata { text, .. } => {
                frame.unexpected_type(text, setting.field, "string", &other)
            }
            SettingSource::Path(selector) => frame.runtime(&format!(
                "The {} field refers to value {other} which is not a string: {}",
                setting.field, selector.text
            )),
            SettingSource::Literal(_) => {
                frame.runtime(&format!("The {} field is not a string", setting.field))
            }
        }),
    }
}
