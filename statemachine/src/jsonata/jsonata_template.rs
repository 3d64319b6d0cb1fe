//! JSON in which every string of the form `{% .. %}` is an expression.

use std::fmt::Write;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::error::{Error, Problem};
use crate::evaluation_budget::{MAX_DEPTH, nests_too_deeply};
use crate::json_pointer::PointerWalk;
use crate::jsonata::error_text;
use crate::jsonata::evaluation_meter::EvaluationMeter;
use crate::jsonata::expression::Expression;
use crate::jsonata::jsonata_scope::JsonataScope;
use crate::scope::Host;

/// A parsed JSONata template: a JSON value with expressions in some of its strings.
#[derive(Debug, Clone)]
pub struct JsonataTemplate {
    /// The root of the template.
    node: ExpressionNode,
}

/// A part of a parsed template. Parts without expressions stay plain JSON values.
#[derive(Debug, Clone)]
enum ExpressionNode {
    /// A value without expressions, copied as it is.
    Literal(Value),
    /// An object with its fields in order.
    Object(Vec<(String, ExpressionNode)>),
    /// An array with its items in order.
    Array(Vec<ExpressionNode>),
    /// A string that was written between `{%` and `%}`.
    Expression(Box<Expression>),
}

/// Returns the text between `{%` and `%}`; `None` if a string is not an expression.
///
/// The marks must be the first and the last characters: a string with blanks outside of them is plain text.
pub(crate) fn expression_text(string: &str) -> Option<&str> {
    string.strip_prefix("{%")?.strip_suffix("%}")
}

impl JsonataTemplate {
    /// Parses the expressions in a JSON value: its strings of the form `{% .. %}`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`](crate::error::ErrorKind::InvalidExpression) if the template is invalid;
    /// [`Error::problems`] lists every wrong place.
    pub fn parse(template: &Value) -> Result<Self, Error> {
        if nests_too_deeply(template) {
            return Err(Error::template_too_deep());
        }
        let mut walk = PointerWalk::new();
        let node = parse_node(template, &mut walk);
        let problems = walk.into_problems();
        if problems.is_empty() {
            Ok(Self { node })
        } else {
            Err(Error::template(problems))
        }
    }

    /// Evaluates the template of a field such as `Output`. Errors name the part that failed, such as `Output/result` or
    /// `Output/values[0]`.
    ///
    /// # Errors
    /// Those of [`Expression::evaluate`]; [`Error::field`] is the field that failed.
    pub fn evaluate(
        &self,
        field: &str,
        scope: &JsonataScope<'_>,
        host: &mut Host,
    ) -> Result<Value, Error> {
        let meter = Rc::new(EvaluationMeter::new());
        let value = build(&self.node, &mut field.to_owned(), scope, host, &meter)?;
        if nests_too_deeply(&value) {
            let message = format!("The result nests deeper than {} levels", MAX_DEPTH - 1);
            return Err(Error::limit_exceeded(message));
        }
        Ok(value)
    }
}

/// Parses a part of a template; records every invalid expression and replaces it by null.
fn parse_node(template: &Value, walk: &mut PointerWalk<Problem>) -> ExpressionNode {
    match template {
        Value::String(string) => match expression_text(string).map(Expression::parse) {
            None => ExpressionNode::Literal(template.clone()),
            Some(Ok(expression)) => ExpressionNode::Expression(Box::new(expression)),
            Some(Err(error)) => {
                walk.note(|pointer| Problem::of(&error, pointer));
                ExpressionNode::Literal(Value::Null)
            }
        },
        Value::Object(fields) => {
            let nodes: Vec<(String, ExpressionNode)> = fields
                .iter()
                .map(|(name, field)| {
                    let node = walk.in_field(name, |walk| parse_node(field, walk));
                    (name.clone(), node)
                })
                .collect();
            if nodes
                .iter()
                .all(|(_, node)| matches!(node, ExpressionNode::Literal(_)))
            {
                return ExpressionNode::Literal(template.clone());
            }
            ExpressionNode::Object(nodes)
        }
        Value::Array(items) => {
            let nodes: Vec<ExpressionNode> = items
                .iter()
                .enumerate()
                .map(|(index, item)| walk.in_item(index, |walk| parse_node(item, walk)))
                .collect();
            if nodes
                .iter()
                .all(|node| matches!(node, ExpressionNode::Literal(_)))
            {
                return ExpressionNode::Literal(template.clone());
            }
            ExpressionNode::Array(nodes)
        }
        scalar => ExpressionNode::Literal(scalar.clone()),
    }
}

/// Builds the value of a part. `field` is the path of the part in the state, such as `Output/values[0]`, which errors
/// name.
fn build(
    node: &ExpressionNode,
    field: &mut String,
    scope: &JsonataScope<'_>,
    host: &mut Host,
    meter: &Rc<EvaluationMeter>,
) -> Result<Value, Error> {
    let start = field.len();
    Ok(match node {
        ExpressionNode::Literal(value) => value.clone(),
        ExpressionNode::Expression(expression) => {
            expression
                .evaluate_metered(scope, host, meter)
                .map_err(|error| error_text::in_field(&error, field, expression.text()))?
        }
        ExpressionNode::Object(fields) => {
            let mut object = Map::with_capacity(fields.len());
            for (name, node) in fields {
                field.push('/');
                field.push_str(name);
                object.insert(name.clone(), build(node, field, scope, host, meter)?);
                field.truncate(start);
            }
            Value::Object(object)
        }
        ExpressionNode::Array(items) => {
            let mut array = Vec::with_capacity(items.len());
            for (index, node) in items.iter().enumerate() {
                write!(field, "[{index}]").expect("writing to a String never fails");
                array.push(build(node, field, scope, host, meter)?);
                field.truncate(start);
            }
            Value::Array(array)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ErrorKind;
    use crate::scope::Random;

    fn evaluate(template: &Value) -> Result<Value, Error> {
        let (states, variables) = (json!({"input": {"a": [1, 2]}}), Map::new());
        let scope = JsonataScope {
            states: &states,
            variables: &variables,
        };
        let mut host = Host {
            now: chrono::DateTime::UNIX_EPOCH,
            random: Random::from_seed(1),
        };
        JsonataTemplate::parse(template)
            .unwrap()
            .evaluate("Output", &scope, &mut host)
    }

    #[test]
    fn strings_in_marks_are_evaluated_and_others_kept() {
        let template =
            json!({"x": "{% $states.input.a[1] %}", "list": ["{% null %}", " {% no %} ", 1]});
        assert_eq!(
            evaluate(&template),
            Ok(json!({"x": 2, "list": [null, " {% no %} ", 1]}))
        );
    }

    #[test]
    fn errors_name_the_field() {
        let text = |template: Value| evaluate(&template).unwrap_err().to_string();
        assert_eq!(
            text(json!({"values": ["{% $states.input.missing %}"]})),
            "The JSONata expression '$states.input.missing' specified for the field 'Output/values[0]' returned \
             nothing (undefined)."
        );
        assert_eq!(
            text(json!({"r": "{% $randomSeeded(1) %}"})),
            "The JSONata expression '$randomSeeded(1)' specified for the field 'Output/r' threw an error during \
             evaluation. T1006: Attempted to invoke a non-function"
        );
        assert_eq!(
            text(json!("{% $fn := function($x){$x} %}")),
            "The JSONata expression '$fn := function($x){$x}' specified for the field 'Output' returned an \
             unsupported result type."
        );
    }

    #[test]
    fn every_wrong_place_is_reported() {
        let error = JsonataTemplate::parse(&json!({"a": ["{% ( %}"], "b": "{% x %}"})).unwrap_err();
        let found: Vec<_> = error
            .problems()
            .iter()
            .map(|problem| (problem.pointer.as_str(), problem.kind))
            .collect();
        assert_eq!(
            found,
            [
                ("/a/0", ErrorKind::InvalidExpression),
                ("/b", ErrorKind::UnsupportedExpression)
            ]
        );
    }

    #[test]
    fn one_meter_counts_for_the_whole_template() {
        let template =
            JsonataTemplate::parse(&Value::Array(vec![json!("{% $pad('x', 100) %}"); 20])).unwrap();
        let (states, variables) = (json!({}), Map::new());
        let scope = JsonataScope {
            states: &states,
            variables: &variables,
        };
        let mut host = Host {
            now: chrono::DateTime::UNIX_EPOCH,
            random: Random::from_seed(1),
        };
        let mut built = |weight| {
            let meter = Rc::new(EvaluationMeter::of(weight, 500));
            build(
                &template.node,
                &mut "Output".to_owned(),
                &scope,
                &mut host,
                &meter,
            )
            .map_err(|error| error.kind())
        };
        assert!(built(20_000).is_ok());
        assert_eq!(built(5_000), Err(ErrorKind::LimitExceeded));
    }
}
