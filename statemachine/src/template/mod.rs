//! Payload templates: JSON whose fields ending in `.$` are computed.
//!
//! A template builds objects in the order that AWS's do: fixed fields as written, then computed ones as Java's
//! `HashMap` lists them. It shows in texts made from them.
//!
//! ```
//! use drivetrain_statemachine::scope::{Host, Random, Scope};
//! use drivetrain_statemachine::template::Template;
//! use serde_json::{Map, json};
//!
//! let template = Template::parse(&json!({"fixed": 1, "path.$": "$.a", "call.$": "States.MathAdd($.a, 1)"}))
//!     .expect("the template is right");
//! let (input, context, variables) = (json!({"a": 2}), json!({}), Map::new());
//! let scope = Scope { input: &input, context: &context, variables: &variables };
//! let mut host = Host { now: chrono::DateTime::UNIX_EPOCH, random: Random::from_seed(1) };
//! assert_eq!(template.evaluate(&scope, &mut host)?, json!({"fixed": 1, "path": 2, "call": 3}));
//! # Ok::<(), drivetrain_statemachine::template::TemplateError>(())
//! ```

mod node;

use serde_json::{Map, Value};

use crate::evaluation_budget::{self, Budget, Exhausted};
use crate::intrinsics::{Call, IntrinsicErrorKind};
use crate::java::hash_map_order;
use crate::json_pointer::Walk;
use crate::json_text::{DEEPEST, Refused, Writer};
use crate::jsonpath::{NULL_INPUT, PathErrorKind, Query};
use crate::scope::{Host, Scope};
use node::{Building, Node};

/// What is said of a payload that nests too deeply.
pub(crate) const PAYLOAD_TOO_DEEP: &str = "the payload nests too deeply";

/// A parsed payload template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    node: Node,
    builds_in_place: bool,
}

/// Which template has built a value.
///
/// It is an address, compared and never followed: good only as long as the template stays where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Builder(usize);

/// What a computed field holds: a path, or a call of an intrinsic function.
#[derive(Debug, Clone, PartialEq)]
pub enum PathOrCall {
    /// A path.
    Path(Query),
    /// A call of an intrinsic function.
    Call(Call),
}

/// A place in a template that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// JSON pointer from the template's root.
    pub pointer: String,
    /// What is wrong.
    pub kind: TemplateProblemKind,
    /// The same for a reader.
    pub message: String,
}

/// What is wrong at a place in a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateProblemKind {
    /// A field ending in `.$` holds something other than text.
    NotText,
    /// The text is no path.
    Path,
    /// The text is no call of an intrinsic function.
    Intrinsic,
    /// Two fields would make the same key.
    DuplicateKey,
    /// The template nests too deeply.
    TooDeep,
}

/// Why a template could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    kind: TemplateErrorKind,
    field: String,
    message: String,
}

/// What a caller can do about a [`TemplateError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateErrorKind {
    /// A path leads nowhere: AWS fails the state with `States.Runtime`.
    Path,
    /// An intrinsic function does not apply to its arguments: `States.Runtime`.
    Intrinsic,
    /// The result would be too large or too deep: `States.Runtime`.
    Limit,
}

impl TemplateError {
    fn limit(message: impl Into<String>) -> Self {
        Self {
            kind: TemplateErrorKind::Limit,
            field: String::new(),
            message: message.into(),
        }
    }

    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> TemplateErrorKind {
        self.kind
    }

    /// Names the field that failed as it stands in the template, `name.$`; empty if it is the template as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl From<Exhausted> for TemplateError {
    fn from(_: Exhausted) -> Self {
        Self::limit("the payload is too large to build")
    }
}

impl PathOrCall {
    /// Parses what starts with `$` as a path and everything else as a call.
    ///
    /// # Errors
    /// What kind of problem it is, and a message for a reader.
    pub fn parse(text: &str) -> Result<Self, (TemplateProblemKind, String)> {
        if text.starts_with('$') {
            let query = Query::parse(text)
                .map_err(|error| (TemplateProblemKind::Path, error.to_string()))?;
            return Ok(Self::Path(query));
        }
        let call = Call::parse(text)
            .map_err(|error| (TemplateProblemKind::Intrinsic, error.to_string()))?;
        Ok(Self::Call(call))
    }

    /// Evaluates the expression; `field` names it in errors.
    ///
    /// # Errors
    /// [`TemplateErrorKind`] says what went wrong.
    pub fn evaluate(
        &self,
        field: &str,
        scope: &Scope<'_>,
        host: &mut Host,
    ) -> Result<Value, TemplateError> {
        self.evaluate_within(field, scope, host, &mut Budget::new())
    }

    fn evaluate_within(
        &self,
        field: &str,
        scope: &Scope<'_>,
        host: &mut Host,
        budget: &mut Budget,
    ) -> Result<Value, TemplateError> {
        let (kind, message) = match self {
            Self::Path(query) if query.reads_null(scope) => {
                (TemplateErrorKind::Path, NULL_INPUT.to_owned())
            }
            Self::Path(query) => match query.resolve(scope) {
                Ok(value) => {
                    budget.pay_for(&value)?;
                    return Ok(value.into_owned());
                }
                // Measured on AWS: an index past the end is null here, though not in a function's argument.
                Err(_) if query.ends_outside_its_array(scope) => return Ok(Value::Null),
                Err(error) if error.kind() == PathErrorKind::Limit => {
                    (TemplateErrorKind::Limit, error.to_string())
                }
                Err(_) => (
                    TemplateErrorKind::Path,
                    format!(
                        "The JSONPath '{query}' specified for the field '{field}' could not be found in the input '{}'",
                        scope.input
                    ),
                ),
            },
            Self::Call(call) => match call.evaluate_within(scope, host, budget) {
                Ok(value) => return Ok(value),
                Err(error) => {
                    let kind = match error.kind() {
                        IntrinsicErrorKind::Missing => TemplateErrorKind::Path,
                        IntrinsicErrorKind::Limit => TemplateErrorKind::Limit,
                        IntrinsicErrorKind::Failed | IntrinsicErrorKind::Syntax => {
                            TemplateErrorKind::Intrinsic
                        }
                    };
                    (kind, error.to_string())
                }
            },
        };
        Err(TemplateError {
            kind,
            field: field.to_owned(),
            message,
        })
    }
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// Every place that is wrong.
    pub fn parse(template: &Value) -> Result<Self, Vec<TemplateProblem>> {
        if evaluation_budget::nests_too_deeply(template) {
            return Err(vec![TemplateProblem {
                pointer: String::new(),
                kind: TemplateProblemKind::TooDeep,
                message: format!(
                    "a template nests at most {} levels",
                    evaluation_budget::MAX_DEPTH
                ),
            }]);
        }
        let mut walk = Walk::new();
        let mut node = parse_node(template, &mut walk);
        let problems = walk.into_problems();
        node.plan_moves(&mut Vec::new());
        if problems.is_empty() {
            Ok(Self {
                builds_in_place: node.builds_in_place(),
                node,
            })
        } else {
            Err(problems)
        }
    }

    /// Evaluates the template.
    ///
    /// # Errors
    /// [`TemplateErrorKind`] says what went wrong, [`TemplateError::field`] where.
    pub fn evaluate(&self, scope: &Scope<'_>, host: &mut Host) -> Result<Value, TemplateError> {
        within_depth(self.node.build(&mut Building {
            scope,
            host,
            budget: Budget::new(),
            moves: false,
        })?)
    }

    /// Evaluates the template on an input that nobody needs afterwards: what it can, it moves instead of copying.
    ///
    /// The input is left without what was moved; it is untouched if the evaluation fails. How deep the payload nests is
    /// left to the caller to look at.
    pub(crate) fn evaluate_by_moving(
        &self,
        input: &mut Value,
        context: &Value,
        variables: &Map<String, Value>,
        host: &mut Host,
    ) -> Result<Value, TemplateError> {
        let mut value = self.node.build(&mut Building {
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

    /// Names this template as the one that has built a value, if it can build anew in that.
    pub(crate) fn builder(&self) -> Option<Builder> {
        self.builds_in_place
            .then(|| Builder(std::ptr::from_ref(self).addr()))
    }

    /// Evaluates the template on a value that it has built itself, in its place: what is fixed stays where it is.
    ///
    /// Fields that have been appended to it since are dropped. The value is untouched if the evaluation fails. It comes out as from
    /// [`evaluate_by_moving`](Self::evaluate_by_moving).
    pub(crate) fn evaluate_in_place(
        &self,
        built: &mut Value,
        context: &Value,
        variables: &Map<String, Value>,
        host: &mut Host,
    ) -> Result<(), TemplateError> {
        let mut made = Vec::new();
        let scope = Scope {
            input: built,
            context,
            variables,
        };
        let mut building = Building {
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
    /// Writes a value that this template has built: what is fixed in it has been written ahead.
    pub(crate) fn write(&self, built: &Value, writer: &mut Writer<'_>) -> Result<(), Refused> {
        self.node.write(built, writer, DEEPEST)
    }
}

/// Refuses what cannot be written and read back; it is safe to drop, for templates and inputs are within the limit.
fn within_depth(value: Value) -> Result<Value, TemplateError> {
    if evaluation_budget::nests_too_deeply(&value) {
        return Err(TemplateError::limit(PAYLOAD_TOO_DEEP));
    }
    Ok(value)
}

fn parse_node(template: &Value, walk: &mut Walk<TemplateProblem>) -> Node {
    match template {
        Value::Object(fields) => {
            let mut fixed = Vec::with_capacity(fields.len());
            let mut computed = Vec::new();
            for (key, value) in fields {
                walk.in_field(key, |walk| match key.strip_suffix(".$") {
                    None => fixed.push((key.clone(), parse_node(value, walk))),
                    Some(name) => match parse_field(name, key, value, fields) {
                        Ok(node) => computed.push((name.to_owned(), node)),
                        Err((kind, message)) => walk.note(|pointer| TemplateProblem {
                            pointer: pointer.to_owned(),
                            kind,
                            message,
                        }),
                    },
                });
            }
            hash_map_order::sort_by_key(&mut computed, |(name, _)| name);
            fixed.append(&mut computed);
            Node::object(fixed)
        }
        Value::Array(items) => {
            let nodes: Vec<Node> = items
                .iter()
                .enumerate()
                .map(|(index, item)| walk.in_item(index, |walk| parse_node(item, walk)))
                .collect();
            Node::array(nodes)
        }
        scalar => Node::Literal(scalar.clone()),
    }
}

fn parse_field(
    name: &str,
    key: &str,
    value: &Value,
    siblings: &Map<String, Value>,
) -> Result<Node, (TemplateProblemKind, String)> {
    if siblings.contains_key(name) {
        return Err((
            TemplateProblemKind::DuplicateKey,
            format!("both `{name}` and `{key}` make the field `{name}`"),
        ));
    }
    let Value::String(text) = value else {
        return Err((
            TemplateProblemKind::NotText,
            format!("the value of `{key}` must be a string"),
        ));
    };
    let expression = PathOrCall::parse(text)?;
    if let PathOrCall::Call(call) = &expression
        && let Some(value) = call.constant()
    {
        return Ok(Node::Literal(value.clone()));
    }
    Ok(Node::Computed {
        field: key.to_owned(),
        expression,
        moves: false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scope::Random;

    fn evaluate(template: &Value, input: &Value) -> Result<Value, TemplateError> {
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
        assert_eq!(error.kind(), TemplateErrorKind::Path);
        assert_eq!(error.field(), "missing.$");
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
    fn every_wrong_place_is_named() {
        let template =
            json!({"a/b": [{"x.$": 1}], "y.$": "$.[", "z.$": "States.No()", "w": 1, "w.$": "$"});
        let problems = Template::parse(&template).unwrap_err();
        let found: Vec<_> = problems
            .iter()
            .map(|problem| (problem.pointer.as_str(), problem.kind))
            .collect();
        assert_eq!(
            found,
            [
                ("/a~1b/0/x.$", TemplateProblemKind::NotText),
                ("/y.$", TemplateProblemKind::Path),
                ("/z.$", TemplateProblemKind::Intrinsic),
                ("/w.$", TemplateProblemKind::DuplicateKey),
            ]
        );
    }

    #[test]
    fn payloads_are_bounded() {
        let wide: Map<String, Value> = (0..1000)
            .map(|index| (format!("k{index}.$"), json!("$")))
            .collect();
        let error = evaluate(&Value::Object(wide), &json!("x".repeat(10 << 20))).unwrap_err();
        assert_eq!(error.kind(), TemplateErrorKind::Limit);
        let deep = (0..100).fold(json!({"x.$": "$"}), |inner, _| json!([inner]));
        let input = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(
            evaluate(&deep, &input).unwrap_err().kind(),
            TemplateErrorKind::Limit
        );
        let deeper = (0..1000).fold(json!(1), |inner, _| json!([inner]));
        assert!(Template::parse(&deeper).is_err());
    }
}
