//! Conversion between JSON and the values of the JSONata evaluator.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use jsonata_core::value::JValue;
use serde_json::{Map, Number, Value};

use crate::error::Error;
use crate::evaluation_budget;
use crate::jsonata::evaluation_meter::EvaluationMeter;

/// Converts a JSON value to a value of the evaluator.
pub(super) fn from_json(value: &Value) -> JValue {
    match value {
        Value::Null => JValue::Null,
        Value::Bool(boolean) => JValue::Bool(*boolean),
        Value::Number(number) => JValue::Number(number.as_f64().unwrap_or(f64::INFINITY)),
        Value::String(text) => JValue::from(text.as_str()),
        Value::Array(items) => JValue::array(items.iter().map(from_json).collect()),
        Value::Object(fields) => JValue::object(
            fields
                .iter()
                .map(|(name, field)| (name.clone(), from_json(field)))
                .collect::<IndexMap<_, _>>(),
        ),
    }
}

/// Converts an evaluation's result to JSON; fails if the meter or the depth limit is exceeded.
pub(super) fn to_json(value: &JValue, meter: &EvaluationMeter) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(Error::missing_value("the expression returned nothing"));
    }
    meter.weigh(value).map_err(|error| meter.classify(&error))?;
    convert(value, 0)
}

/// Converts a value of the evaluator that is nested `depth` levels deep; undefined becomes null.
fn convert(value: &JValue, depth: usize) -> Result<Value, Error> {
    if depth >= evaluation_budget::MAX_DEPTH {
        return Err(Error::limit_exceeded(format!(
            "The result nests deeper than {} levels",
            evaluation_budget::MAX_DEPTH - 1
        )));
    }
    Ok(match value {
        JValue::Null | JValue::Undefined => Value::Null,
        JValue::Bool(boolean) => Value::Bool(*boolean),
        JValue::Number(number) => from_double(*number),
        JValue::String(text) => Value::String(text.to_string()),
        JValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| convert(item, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        JValue::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), convert(field, depth + 1)?)))
                .collect::<Result<Map<_, _>, Error>>()?,
        ),
        _ => return Err(Error::unsupported_result("the result is not a JSON value")),
    })
}

/// Converts a number: a whole number becomes an integer, and one that JSON cannot hold becomes text, as on AWS.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be a whole number in range"
)]
fn from_double(number: f64) -> Value {
    /// The first double beyond `i64`, 2^63.
    const END: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() == 0.0 && (-END..END).contains(&number) {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or_else(
        || {
            let text = if number.is_nan() {
                "NaN"
            } else if number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            Value::String(text.to_owned())
        },
        Value::Number,
    )
}

/// Formats an instant as `$now()` returns it.
pub(super) fn instant(now: DateTime<Utc>) -> String {
    now.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
