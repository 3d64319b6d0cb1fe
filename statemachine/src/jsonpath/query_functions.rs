//! Functions at the end of a path: `.length()`, `.sum()` and their siblings.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::jsonpath::query_budget::QueryFailure;
use crate::jsonpath::syntax_tree::{QueryFunction, QueryFunctionKind};

impl QueryFunction {
    /// Calls the function on a value. `length` and `keys` return null for a value to which they do not apply.
    pub(super) fn call(
        &self,
        value: &Value,
        arguments: &[Cow<'_, Value>],
    ) -> Result<Value, QueryFailure> {
        let kind = self.kind.ok_or(QueryFailure::Refused)?;
        match kind {
            QueryFunctionKind::Average
            | QueryFunctionKind::StandardDeviation
            | QueryFunctionKind::Sum
            | QueryFunctionKind::Minimum
            | QueryFunctionKind::Maximum => aggregate(kind, &numbers(value, arguments)),
            QueryFunctionKind::Concatenate => Ok(Value::String(concatenate(value, arguments))),
            QueryFunctionKind::Length => {
                let value = match arguments.first() {
                    Some(argument) if argument.is_array() => argument.as_ref(),
                    _ => value,
                };
                Ok(match value {
                    Value::Array(items) => items.len().into(),
                    Value::Object(fields) => fields.len().into(),
                    _ => Value::Null,
                })
            }
            QueryFunctionKind::Append => {
                let mut value = value.clone();
                if let Value::Array(items) = &mut value {
                    items.extend(arguments.iter().map(|argument| argument.as_ref().clone()));
                }
                Ok(value)
            }
            QueryFunctionKind::Keys => Ok(match value {
                Value::Object(fields) => fields.keys().cloned().map(Value::String).collect(),
                _ => Value::Null,
            }),
            QueryFunctionKind::First => item(value, 0),
            QueryFunctionKind::Last => item(value, -1),
            QueryFunctionKind::Index => {
                let index = arguments.first().and_then(|argument| argument.as_i64());
                item(
                    value,
                    index
                        .ok_or_else(|| failed("the argument of `index` must be a whole number"))?,
                )
            }
        }
    }
}

/// Builds the failure of a function on a value of the wrong type.
fn failed(message: impl Into<String>) -> QueryFailure {
    QueryFailure::Mismatch(message.into())
}

/// Returns the numbers among the value's items and the arguments; ignores other values.
fn numbers(value: &Value, arguments: &[Cow<'_, Value>]) -> Vec<f64> {
    let own = value.as_array().into_iter().flatten();
    let given = arguments
        .iter()
        .flat_map(|argument| match argument.as_ref() {
            Value::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        });
    own.chain(given).filter_map(Value::as_f64).collect()
}

/// Computes a statistic of the numbers, which must not be empty.
#[expect(clippy::cast_precision_loss, reason = "an array never has 2^53 items")]
fn aggregate(kind: QueryFunctionKind, numbers: &[f64]) -> Result<Value, QueryFailure> {
    if numbers.is_empty() {
        return Err(failed(
            "Aggregation function attempted to calculate value using empty array",
        ));
    }
    let count = numbers.len() as f64;
    let sum: f64 = numbers.iter().sum();
    let result = match kind {
        QueryFunctionKind::Average => sum / count,
        QueryFunctionKind::StandardDeviation => {
            let squares: f64 = numbers.iter().map(|number| number * number).sum();
            (squares / count - sum * sum / count / count).sqrt()
        }
        QueryFunctionKind::Minimum => numbers.iter().copied().fold(f64::MAX, f64::min),
        // Jayway starts from Java's smallest positive double, so that its maximum of negative numbers is wrong.
        QueryFunctionKind::Maximum => numbers.iter().copied().fold(f64::from_bits(1), f64::max),
        _ => sum,
    };
    Number::from_f64(result)
        .map(Value::Number)
        .ok_or_else(|| failed("the result of the aggregation function is not a finite number"))
}

/// Joins the texts among the value's items and the arguments; ignores other values.
fn concatenate(value: &Value, arguments: &[Cow<'_, Value>]) -> String {
    let own = value.as_array().into_iter().flatten();
    let given = arguments
        .iter()
        .flat_map(|argument| match argument.as_ref() {
            Value::Array(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        });
    own.chain(given).filter_map(Value::as_str).collect()
}

/// Returns the item at an index, which counts from the end if negative; fails if there is no such item.
fn item(value: &Value, index: i64) -> Result<Value, QueryFailure> {
    let items = value.as_array().ok_or_else(|| {
        failed("Aggregation function attempted to calculate value using empty array")
    })?;
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let place = if index < 0 { length + index } else { index };
    usize::try_from(place)
        .ok()
        .and_then(|place| items.get(place))
        .cloned()
        .ok_or_else(|| {
            failed(format!(
                "Target index:{index} larger than object count:{length}"
            ))
        })
}
