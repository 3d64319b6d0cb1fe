//! The Wait state.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::definition::field_values::{Setting, SettingSource};
use crate::definition::{is_timestamp, model};
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::clock::sleep;
use crate::engine::failure::Failure;

/// The longest wait that AWS accepts, near 2^31 seconds.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(24_855);

/// Waits for the state's `Seconds` or until its `Timestamp`. Returns no result, so that the effective input is passed
/// on unchanged.
pub(crate) async fn perform(
    attempt: &Attempt<'_>,
    wait: &model::Wait,
    input: &Value,
) -> Result<Option<Value>, Failure> {
    let delay = match wait {
        model::Wait::Seconds(setting) => TimeDelta::seconds(seconds(attempt, setting, input)?),
        model::Wait::Timestamp(setting) => {
            timestamp(attempt, setting, input)? - attempt.run.environment.clock.now()
        }
    };
    if delay > LONGEST_WAIT {
        return Err(attempt.runtime("Wait state delay is too long."));
    }
    sleep(delay.to_std().unwrap_or(Duration::ZERO)).await;
    Ok(None)
}

/// Evaluates `Seconds` or `SecondsPath`; reduces a number above the longest wait to the longest wait plus one second,
/// which `perform` rejects.
fn seconds(attempt: &Attempt<'_>, setting: &Setting, input: &Value) -> Result<i64, Failure> {
    let value = value(attempt, setting, input)?;
    let whole = value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the range and the fraction are checked first"
        )]
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    });
    match (&setting.source, whole) {
        (_, Some(seconds @ 0..)) => Ok(seconds.min(LONGEST_WAIT.num_seconds() + 1)),
        (SettingSource::Path(selector), Some(_)) => Err(attempt.runtime(&format!(
            "The SecondsPath parameter references a negative value: {} == {value}",
            selector.text
        ))),
        (SettingSource::Path(selector), None) => Err(attempt.runtime(&format!(
            "The SecondsPath parameter cannot be parsed as a long value: {} == {value}",
            selector.text
        ))),
        (SettingSource::Jsonata { text, .. }, None) => {
            Err(attempt.unexpected_type(text, setting.field, "integer", &value))
        }
        (SettingSource::Jsonata { text, .. }, Some(_)) => Err(attempt.evaluation(
            Some(setting.field),
            &format!(
                "The JSONata expression '{text}' specified for the field '{}' returned a value that is not in the \
                 allowed range: {value}",
                setting.field
            ),
        )),
        (SettingSource::Literal(_), _) => Err(attempt.runtime("Wait state delay is invalid.")),
    }
}

/// Evaluates `Timestamp` or `TimestampPath`; fails if the value is not a timestamp of the language.
fn timestamp(
    attempt: &Attempt<'_>,
    setting: &Setting,
    input: &Value,
) -> Result<DateTime<Utc>, Failure> {
    let value = value(attempt, setting, input)?;
    let parsed = value
        .as_str()
        .filter(|text| is_timestamp(text))
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
        .map(|date| date.to_utc());
    parsed.ok_or_else(|| match &setting.source {
        SettingSource::Path(selector) => attempt.runtime(&format!(
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: \
             {} == {}",
            selector.text,
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        )),
        SettingSource::Jsonata { text, .. } => attempt.evaluation(
            Some(setting.field),
            &format!(
                "The Timestamp parameter does not reference a valid ISO-8601 extended offset date-time format string: \
                 {text} == {}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            ),
        ),
        SettingSource::Literal(_) => attempt.runtime("Wait state timestamp is invalid."),
    })
}

/// Evaluates a field; if a path finds nothing, the failure has AWS's message for a Wait state.
fn value(attempt: &Attempt<'_>, setting: &Setting, input: &Value) -> Result<Value, Failure> {
    match &setting.source {
        SettingSource::Path(selector) => attempt.query(selector, input)?.map_err(|_| {
            attempt.runtime(&format!(
                "The {} parameter does not reference an input value: {}",
                setting.field, selector.text
            ))
        }),
        _ => attempt.setting(setting, FieldData::of(input)),
    }
}
