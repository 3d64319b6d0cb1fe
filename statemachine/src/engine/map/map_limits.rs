//! The limits of a Map: concurrent iterations and tolerated failures.

use serde_json::Value;

use crate::definition::field_values::{Setting, SettingSource};
use crate::definition::model::MapState;
use crate::definition::read::object_fields::whole_number;
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::failure::{Failure, names};
use crate::engine::inspection_data::InspectedStep;

/// The limits of a Map, with paths and expressions evaluated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MapLimits {
    /// The most iterations that may run at once; 0 for no limit.
    pub(crate) max_concurrency: usize,
    /// The number and the share of failed items that a Map Run tolerates.
    pub(crate) tolerance: Tolerance,
}

/// The number and the share of items that may fail in a Map Run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tolerance {
    /// The most items that may fail; `None` without `ToleratedFailureCount`.
    pub(crate) count: Option<usize>,
    /// The largest share of items that may fail, from 0 to 100; `None` without `ToleratedFailurePercentage`.
    pub(crate) percentage: Option<f64>,
}

/// Evaluates `MaxConcurrency`, the most iterations that may run at once; 0 for no limit.
pub(crate) fn max_concurrency(
    attempt: &Attempt<'_>,
    map: &MapState,
    input: &Value,
) -> Result<usize, Failure> {
    let limit = match &map.max_concurrency {
        Some(setting) => count(attempt, setting, FieldData::of(input))?,
        None => 0,
    };
    attempt.inspect(InspectedStep::MaxConcurrency, &limit.into());
    Ok(limit)
}

/// Evaluates `ToleratedFailureCount` and `ToleratedFailurePercentage`, or the fields ending in `Path` that replace
/// them.
pub(crate) fn tolerance(
    attempt: &Attempt<'_>,
    map: &MapState,
    input: &Value,
) -> Result<Tolerance, Failure> {
    let mut tolerance = Tolerance::default();
    if let Some(setting) = &map.tolerated_failure_count {
        let count = count(attempt, setting, FieldData::of(input))?;
        attempt.inspect(InspectedStep::ToleratedFailureCount, &count.into());
        tolerance.count = Some(count);
    }
    if let Some(setting) = &map.tolerated_failure_percentage {
        let percentage = percentage(attempt, setting, FieldData::of(input))?;
        attempt.inspect(
            InspectedStep::ToleratedFailurePercentage,
            &percentage.into(),
        );
        tolerance.percentage = Some(percentage);
    }
    Ok(tolerance)
}

/// Evaluates a field whose value must be a whole number and not negative.
pub(crate) fn count(
    attempt: &Attempt<'_>,
    setting: &Setting,
    data: FieldData<'_>,
) -> Result<usize, Failure> {
    let number = integer(attempt, setting, data)?;
    usize::try_from(number).map_err(|_| {
        let message = match setting.field.trim_end_matches("Path") {
            name @ "ToleratedFailureCount" => format!("{name} cannot be negative."),
            name => format!("Expected non-negative integer for {name}, got '{number}' instead."),
        };
        attempt.invalid(Some(setting.field), &message)
    })
}

/// Evaluates a field whose value must be a whole number; a path may also find a string of digits.
pub(crate) fn integer(
    attempt: &Attempt<'_>,
    setting: &Setting,
    data: FieldData<'_>,
) -> Result<i64, Failure> {
    let mut value = attempt.setting(setting, data)?;
    if let (SettingSource::Path(_), Some(Ok(number))) =
        (&setting.source, value.as_str().map(str::parse::<i64>))
    {
        value = number.into();
    }
    let number = value.as_i64();
    number
        .or_else(|| whole_number(&value).and_then(|number| i64::try_from(number).ok()))
        .ok_or_else(|| match &setting.source {
            SettingSource::Jsonata { text, .. } => {
                attempt.unexpected_type(text, setting.field, "integer", &value)
            }
            source => attempt.runtime(&format!(
                "The {} field refers to value \"{}\" which is not a valid integer: {}",
                setting.field,
                unquoted(&value),
                path_text(source)
            )),
        })
}

/// Evaluates a field whose value must be a percentage from 0 to 100; a path may also find a string with a number.
fn percentage(
    attempt: &Attempt<'_>,
    setting: &Setting,
    data: FieldData<'_>,
) -> Result<f64, Failure> {
    let value = attempt.setting(setting, data)?;
    let number: Option<f64> = match (&setting.source, &value) {
        (SettingSource::Path(_), Value::String(text)) => text.parse().ok(),
        _ => value.as_f64(),
    };
    let Some(number) = number else {
        return Err(match &setting.source {
            SettingSource::Jsonata { text, .. } => {
                attempt.unexpected_type(text, setting.field, "number", &value)
            }
            source => attempt.runtime(&format!(
                "The {} field refers to value \"{}\" which is not a valid float: {}",
                setting.field,
                unquoted(&value),
                path_text(source)
            )),
        });
    };
    if (0.0..=100.0).contains(&number) {
        return Ok(number);
    }
    Err(attempt.invalid(
        Some(setting.field),
        "ToleratedFailurePercentage must be between 0 and 100.",
    ))
}

/// Returns the text of a field's path or expression, for failure messages; empty for a literal.
fn path_text(source: &SettingSource) -> &str {
    match source {
        SettingSource::Path(selector) => &selector.text,
        SettingSource::Jsonata { text, .. } => text,
        SettingSource::Literal(_) => "",
    }
}

/// Returns the JSON text of a value, without quotes if it is a string.
fn unquoted(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Builds the failure of a Map Run in which too many items failed.
pub(crate) fn over_threshold() -> Failure {
    Failure::ordinary(
        names::EXCEED_TOLERATED_FAILURE_THRESHOLD,
        "The specified tolerated failure threshold was exceeded",
    )
}

/// Returns `true` if more items failed than the state tolerates; without a threshold it tolerates none.
pub(crate) fn threshold_exceeded(tolerance: Tolerance, failed: usize, total: usize) -> bool {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share of items needs no more than 52 bits"
    )]
    let share = |failed: usize| failed as f64 * 100.0 / total.max(1) as f64;
    match (tolerance.count, tolerance.percentage) {
        (None, None) => failed > 0,
        (count, percentage) => {
            count.is_some_and(|count| failed > count)
                || percentage.is_some_and(|percentage| share(failed) > percentage)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_threshold_ends_the_map_run() {
        let limits = |count, percentage| Tolerance { count, percentage };
        assert!(threshold_exceeded(limits(None, None), 1, 10));
        assert!(!threshold_exceeded(limits(Some(1), None), 1, 10));
        assert!(threshold_exceeded(limits(Some(1), None), 2, 10));
        assert!(!threshold_exceeded(limits(None, Some(20.0)), 2, 10));
        assert!(threshold_exceeded(limits(Some(5), Some(20.0)), 3, 10));
    }
}
