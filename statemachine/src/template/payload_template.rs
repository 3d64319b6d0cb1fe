//! A parsed payload template, and the ways to evaluate it.

use serde_json::{Map, Value};

use crate::error::Error;
use crate::evaluation_budget::{self, Budget};
use crate::json_text::{DEEPEST, Refused, TextWriter};
use crate::scope::{Host, Scope};
use crate::template::template_node::{TemplateEvaluation, TemplateNode};

/// The message for a payload that nests deeper than JSON parsers read.
pub(crate) const PAYLOAD_TOO_DEEP: &str = "the payload nests deeper than 127 levels";

/// A parsed payload template, which can be evaluated any number of times.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// The root node, whose value is the payload.
    pub(super) node: TemplateNode,
    /// `true` if the template can rebuild its own value in place, because no path moves a fixed part out of the value.
    pub(super) builds_in_place: bool,
}

/// The identity of the template that built a value, by which the template recognizes the value and rebuilds it in
/// place.
///
/// Without this identity, a template in a loop would copy its fixed parts in each iteration and free them in the next.
/// A template may reuse the value that it built if only new fields were added to the value since.
///
/// The identity is the template's address. It is compared, never dereferenced, and valid only while the template does
/// not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BuiltBy(usize);

impl Template {
    /// Evaluates the template and returns the payload.
    ///
    /// # Errors
    /// [`ErrorKind::MissingValue`](crate::ErrorKind::MissingValue) if a path leads nowhere,
    /// [`ErrorKind::EvaluationFailed`](crate::ErrorKind::EvaluationFailed) if a call or a filter fails,
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) if the payload would be too large or too deep.
    /// [`Error::field`] is the field that failed, if one did.
    pub fn evaluate(&self, scope: &Scope<'_>, host: &mut Host) -> Result<Value, Error> {
        within_depth(self.node.build(&mut TemplateEvaluation {
            scope,
            host,
            budget: Budget::new(),
            moves: false,
        })?)
    }

    /// Evaluates the template on an input that is not needed afterwards, and moves values out of the input where
    /// possible.
    ///
    /// Moved values are null in the input afterwards; the input is unchanged if the evaluation fails. The caller must
    /// check the payload's depth.
    pub(crate) fn evaluate_by_moving(
        &self,
        input: &mut Value,
        context: &Value,
        variables: &Map<String, Value>,
        host: &mut Host,
    ) -> Result<Value, Error> {
        let mut value = self.node.build(&mut TemplateEvaluation {
            scope: &Scope {
                input,
                context,
                variables,
            },
            host,
            budget: Budget::new(),
            moves: true,
        })?;
        self.node.move_into(&mut value, input);
        Ok(value)
    }

    /// Returns the identity of this template; `None` if the template cannot rebuild its values in place.
    pub(crate) fn builder(&self) -> Option<BuiltBy> {
        self.builds_in_place
            .then(|| BuiltBy(std::ptr::from_ref(self).addr()))
    }

    /// Evaluates the template on a value that it built before, and turns that value into the result without copying
    /// fixed parts.
    ///
    /// Fields that were appended after the value was built are dropped. The value is unchanged if the evaluation fails.
    /// The result equals that of [`evaluate_by_moving`](Self::evaluate_by_moving).
    pub(crate) fn evaluate_in_place(
        &self,
        built: &mut Value,
        context: &Value,
        variables: &Map<String, Value>,
        host: &mut Host,
    ) -> Result<(), Error> {
        let mut made = Vec::new();
        let scope = Scope {
            input: built,
            context,
            variables,
        };
        let mut building = TemplateEvaluation {
            scope: &scope,
            host,
            budget: Budget::new(),
            moves: true,
        };
        self.node.compute(&mut building, &mut made)?;
        self.node.move_among(&mut made.iter_mut(), built);
        self.node.drop_appended(built);
        self.node.put(built, &mut made.into_iter());
        Ok(())
    }
}

impl Template {
    /// Writes a value that this template built as JSON; copies the text of fixed parts, which was prepared at parsing.
    pub(crate) fn write(&self, built: &Value, writer: &mut TextWriter<'_>) -> Result<(), Refused> {
        self.node.write(built, writer, DEEPEST)
    }
}

/// Fails if a value nests too deeply to be written and read back. Dropping a deeper value is safe here, because
/// templates and inputs are within the limit.
fn within_depth(value: Value) -> Result<Value, Error> {
    if evaluation_budget::nests_too_deeply(&value) {
        return Err(Error::limit_exceeded(PAYLOAD_TOO_DEEP));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorKind;
    use serde_json::json;

    use super::*;
    use crate::scope::Random;

    fn evaluate(template: &Value, input: &Value) -> Result<Value, Error> {
        let (context, variables) = (json!({"State": {"Name": "S"}}), Map::new());
        let scope = Scope {
            input,
            context: &context,
            variables: &variables,
        };
        let mut host = Host {
            now: chrono::DateTime::UNIX_EPOCH,
            random: Random::from_seed(1),
        };
        Template::parse(template)
            .unwrap()
            .evaluate(&scope, &mut host)
    }

    #[test]
    fn computed_fields_follow_the_fixed_ones_in_javas_order() {
        let template = json!({
            "Iterations.$": "$.n", "Values.$": "$.n", "fixed": [1], "nested": {"name.$": "$$.State.Name"}, "list": [{"x.$": "$"}],
        });
        let value = evaluate(&template, &json!({"n": 1})).unwrap();
        let expected = r#"{"fixed":[1],"nested":{"name":"S"},"list":[{"x":{"n":1}}],"Values":1,"Iterations":1}"#;
        assert_eq!(value.to_string(), expected);
    }

    #[test]
    fn a_missing_path_names_its_field_and_the_input() {
        let error = evaluate(
            &json!({"a": {"missing.$": "$.nope.deep"}}),
            &json!({"other": 1}),
        )
        .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingValue);
        assert_eq!(error.field(), Some("missing.$"));
        assert_eq!(
            error.to_string(),
            "The JSONPath '$.nope.deep' specified for the field 'missing.$' could not be found in the input \
             '{\"other\":1}'"
        );
    }

    #[test]
    fn an_index_past_the_end_is_null_but_for_functions() {
        let input = json!({"items": [1, 2]});
        let value = evaluate(&json!({"a.$": "$.items[5]", "b.$": "$.items[1]"}), &input);
        assert_eq!(value, Ok(json!({"a": null, "b": 2})));
        for missing in ["$.items[5].x", "$.nope[0]", "States.Array($.items[5])"] {
            assert!(evaluate(&json!({"a.$": missing}), &input).is_err());
        }
    }

    #[test]
    fn every_wrong_place_is_reported() {
        let template =
            json!({"a/b": [{"x.$": 1}], "y.$": "$.[", "z.$": "States.No()", "w": 1, "w.$": "$"});
        let error = Template::parse(&template).unwrap_err();
        let found: Vec<_> = error
            .problems()
            .iter()
            .map(|problem| (problem.pointer.as_str(), problem.message.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("/a~1b/0/x.$", "the value of `x.$` must be a string"),
                (
                    "/y.$",
                    "expected a quoted name, an index, `*` or `?(` in brackets, got `[`"
                ),
                ("/z.$", "`States.No` is not an intrinsic function"),
                ("/w.$", "both `w` and `w.$` set the field `w`"),
            ]
        );
    }

    #[test]
    fn payloads_are_bounded() {
        let wide: Map<String, Value> = (0..1000)
            .map(|index| (format!("k{index}.$"), json!("$")))
            .collect();
        let error = evaluate(&Value::Object(wide), &json!("x".repeat(10 << 20))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
        assert!(error.field().is_some_and(|field| field.ends_with(".$")));
        let deep = (0..100).fold(json!({"x.$": "$"}), |inner, _| json!([inner]));
        let input = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(
            evaluate(&deep, &input).unwrap_err().kind(),
            ErrorKind::LimitExceeded
        );
        let deeper = (0..1000).fold(json!(1), |inner, _| json!([inner]));
        assert!(Template::parse(&deeper).is_err());
    }
}
