//! Intrinsic functions on arrays.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use crate::intrinsics::argument_refusal::Refusal;
use crate::intrinsics::math_functions::{rounded, truncated};

/// The most items that a range may have.
const MAX_RANGE_ITEMS: i128 = 1_000;

/// Evaluates `States.ArrayContains`, by equality of JSON values: `1` and `1.0` differ.
pub(super) fn contains(array: &Value, wanted: &Value) -> Result<Value, Refusal> {
    Ok(Value::Bool(items(array)?.contains(wanted)))
}

/// Evaluates `States.ArrayGetItem`; the item is borrowed if the array is, and an index past the end is an error.
pub(super) fn item<'v>(array: &Cow<'v, Value>, index: &Value) -> Result<Cow<'v, Value>, Refusal> {
    let length = items(array)?.len();
    let index = usize::try_from(rounded(index)?)
        .ok()
        .filter(|index| *index < length)
        .ok_or(Refusal::Arguments)?;
    Ok(match array {
        Cow::Borrowed(array) => Cow::Borrowed(&array[index]),
        Cow::Owned(array) => Cow::Owned(array[index].clone()),
    })
}

/// Evaluates `States.ArrayLength`; fails if the argument is not an array.
pub(super) fn length(array: &Value) -> Result<Value, Refusal> {
    Ok(items(array)?.len().into())
}

/// Evaluates `States.ArrayPartition`; the last array may have fewer than `size` items.
pub(super) fn partition(array: Value, size: &Value) -> Result<Value, Refusal> {
    let Value::Array(items) = array else {
        return Err(Refusal::Arguments);
    };
    let size = usize::try_from(rounded(size)?)
        .ok()
        .filter(|size| *size > 0)
        .ok_or(Refusal::Arguments)?;
    let mut parts = Vec::with_capacity(items.len().div_ceil(size));
    let mut left = items.len();
    let mut items = items.into_iter();
    while left > 0 {
        let length = size.min(left);
        let mut part = Vec::with_capacity(length);
        part.extend(items.by_ref().take(length));
        parts.push(Value::Array(part));
        left -= length;
    }
    Ok(Value::Array(parts))
}

/// Evaluates `States.ArrayRange`; the last number is part of the result if a step lands on it.
pub(super) fn range(first: &Value, last: &Value, step: &Value) -> Result<Value, Refusal> {
    let (first, last, step) = (truncated(first)?, truncated(last)?, truncated(step)?);
    let span = i128::from(last) - i128::from(first);
    let steps = span
        .checked_div(i128::from(step))
        .filter(|steps| *steps < MAX_RANGE_ITEMS)
        .ok_or(Refusal::Arguments)?;
    // A step away from the end gives an empty range, also if the end is nearer than one step.
    let count = match span.signum() * i128::from(step).signum() {
        -1 => 0,
        _ => usize::try_from(steps + 1).unwrap_or_default(),
    };
    let mut items = Vec::with_capacity(count);
    // The last item may be `i64::MAX`; its successor is never computed.
    let numbers = std::iter::successors(Some(first), |number| number.checked_add(step));
    items.extend(numbers.take(count).map(Value::from));
    Ok(Value::Array(items))
}

/// Evaluates `States.ArrayUnique`, which keeps the first of equal items.
pub(super) fn unique(array: &Value) -> Result<Value, Refusal> {
    let items = items(array)?;
    if items.iter().all(Value::is_string) {
        return Ok(unique_texts(items));
    }
    let mut seen = HashSet::new();
    Ok(items
        .iter()
        .filter(|item| {
            let mut key = String::new();
            write_canonical(item, &mut key);
            seen.insert(key)
        })
        .cloned()
        .collect())
}

/// Returns the distinct texts in their order; a few texts are compared, because this is faster than hashing them.
fn unique_texts(items: &[Value]) -> Value {
    const FEW: usize = 16;
    let mut kept: Vec<Value> = Vec::with_capacity(items.len().min(FEW));
    if items.len() <= FEW {
        for item in items {
            if !kept.contains(item) {
                kept.push(item.clone());
            }
        }
    } else {
        let mut seen = HashSet::new();
        let texts = items.iter().filter(|item| seen.insert(item.as_str()));
        kept.extend(texts.cloned());
    }
    Value::Array(kept)
}

/// Returns the items of an argument that must be an array.
fn items(value: &Value) -> Result<&Vec<Value>, Refusal> {
    value.as_array().ok_or(Refusal::Arguments)
}

/// Writes a canonical text of a value: equal values have equal texts, because fields are sorted by name.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (name, field) in sorted {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(field, out);
                out.push(',');
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::intrinsics::call::tests::evaluate;

    #[test]
    fn a_range_includes_its_end_only_if_it_is_hit() {
        let range = |call| evaluate(call, &json!(null));
        assert_eq!(range("States.ArrayRange(0, 9, 3)"), Ok(json!([0, 3, 6, 9])));
        assert_eq!(
            range("States.ArrayRange(0, 10, 3)"),
            Ok(json!([0, 3, 6, 9]))
        );
        assert_eq!(range("States.ArrayRange(9, 0, -4)"), Ok(json!([9, 5, 1])));
        assert_eq!(range("States.ArrayRange(1, 0, 1)"), Ok(json!([])));
        assert_eq!(range("States.ArrayRange(1.6, 1.4, 1)"), Ok(json!([1])));
        assert_eq!(
            range("States.ArrayRange(5.4, -0.6, -2.4)"),
            Ok(json!([5, 3, 1]))
        );
        assert_eq!(
            range("States.ArrayRange(1, 1000, 1)").map(|range| range.as_array().map(Vec::len)),
            Ok(Some(1000))
        );
        assert_eq!(
            range("States.ArrayRange(9223372036854775806, 9223372036854775807, 1)"),
            Ok(json!([9_223_372_036_854_775_806_i64, i64::MAX]))
        );
        assert_eq!(range("States.ArrayRange(5, 4, 10)"), Ok(json!([])));
        assert_eq!(range("States.ArrayRange(5, 5, -10)"), Ok(json!([5])));
        for call in [
            "States.ArrayRange(1, 1001, 1)",
            "States.ArrayRange(1, 2, 0)",
            "States.ArrayRange(1, 1, 0)",
            "States.ArrayRange(-9223372036854775808, 9223372036854775807, 1)",
        ] {
            assert!(range(call).is_err(), "{call}");
        }
    }

    #[test]
    fn equality_is_deep_and_ignores_the_order_of_fields() {
        let input = json!({"a": [{"x": 1, "y": [2]}, {"y": [2], "x": 1}, "x", "x", 1, "1"], "b": {"y": [2], "x": 1}});
        assert_eq!(
            evaluate("States.ArrayContains($.a, $.b)", &input),
            Ok(json!(true))
        );
        let unique = json!([{"x": 1, "y": [2]}, "x", 1, "1"]);
        assert_eq!(evaluate("States.ArrayUnique($.a)", &input), Ok(unique));
    }

    #[test]
    fn parts_and_items_are_checked() {
        let input = json!([1, 2, 3]);
        assert_eq!(
            evaluate("States.ArrayPartition($, 2)", &input),
            Ok(json!([[1, 2], [3]]))
        );
        assert_eq!(evaluate("States.ArrayGetItem($, 2)", &input), Ok(json!(3)));
        for call in [
            "States.ArrayPartition($, 0)",
            "States.ArrayGetItem($, 3)",
            "States.ArrayGetItem($, -1)",
        ] {
            assert!(evaluate(call, &input).is_err(), "{call}");
        }
    }
}
