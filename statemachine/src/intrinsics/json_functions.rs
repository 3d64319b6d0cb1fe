//! Intrinsic functions that merge JSON objects or parse JSON text.

use serde_json::Value;

use crate::intrinsics::argument_refusal::Refusal;
use crate::intrinsics::text_functions::text;
use crate::java::hash_map_order;
use crate::json_text::parse_json;

/// Evaluates `States.JsonMerge`: fields of the second object replace those of the first. As on AWS, `deep` must be
/// `false`.
pub(super) fn merge(first: Value, second: Value, deep: &Value) -> Result<Value, Refusal> {
    match (first, second, deep) {
        (Value::Object(mut merged), Value::Object(second), Value::Bool(false)) => {
            merged.extend(second);
            Ok(Value::Object(hash_map_order::sorted(merged)))
        }
        _ => Err(Refusal::Arguments),
    }
}

/// Evaluates `States.StringToJson`; an empty text gives null.
pub(super) fn from_text(value: &Value) -> Result<Value, Refusal> {
    let text = text(value)?;
    if text.is_empty() {
        return Ok(Value::Null);
    }
    parse_json(text).map_err(|error| {
        if error.too_deep {
            Refusal::Limit("the result nests deeper than 127 levels")
        } else {
            Refusal::Arguments
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorKind;
    use serde_json::json;

    use crate::intrinsics::call::tests::evaluate;

    #[test]
    fn the_second_object_wins() {
        let input = json!([{"a": {"x": 1}, "d": 3}, {"a": {"y": 2}, "c": 4}]);
        let merged = evaluate(
            "States.JsonToString(States.JsonMerge($[0], $[1], false))",
            &input,
        );
        assert_eq!(merged, Ok(json!(r#"{"a":{"y":2},"c":4,"d":3}"#)));
        assert!(evaluate("States.JsonMerge($[0], $[1], true)", &input).is_err());
    }

    #[test]
    fn text_becomes_json_within_its_depth() {
        assert_eq!(
            evaluate("States.StringToJson($)", &json!("")),
            Ok(json!(null))
        );
        assert_eq!(
            evaluate("States.StringToJson($)", &json!("[1, {}]")),
            Ok(json!([1, {}]))
        );
        let kind = |text: &str| {
            evaluate("States.StringToJson($)", &json!(text))
                .unwrap_err()
                .kind()
        };
        assert_eq!(kind("{"), ErrorKind::EvaluationFailed);
        assert_eq!(kind(&"[".repeat(100_000)), ErrorKind::LimitExceeded);
    }
}
