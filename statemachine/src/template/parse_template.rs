//! Parses payload templates.

use serde_json::{Map, Value};

use crate::error::{Error, Problem};
use crate::evaluation_budget::nests_too_deeply;
use crate::java::hash_map_order;
use crate::json_pointer::PointerWalk;
use crate::template::path_or_call::PathOrCall;
use crate::template::payload_template::Template;
use crate::template::template_node::TemplateNode;

impl Template {
    /// Parses a template: JSON in which each field whose name ends in `.$` is a path or a call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`](crate::error::ErrorKind::InvalidExpression) if the template is invalid;
    /// [`Error::problems`] lists every invalid field.
    pub fn parse(template: &Value) -> Result<Self, Error> {
        if nests_too_deeply(template) {
            return Err(Error::template_too_deep());
        }
        let mut walk = PointerWalk::new();
        let mut node = parse_node(template, &mut walk);
        let problems = walk.into_problems();
        node.plan_moves(&mut Vec::new());
        if problems.is_empty() {
            Ok(Self {
                builds_in_place: node.builds_in_place(),
                node,
            })
        } else {
            Err(Error::template(problems))
        }
    }
}

/// Parses a part of a template; records every invalid field and leaves it out.
fn parse_node(template: &Value, walk: &mut PointerWalk<Problem>) -> TemplateNode {
    match template {
        Value::Object(fields) => {
            let mut fixed = Vec::with_capacity(fields.len());
            let mut computed = Vec::new();
            for (key, value) in fields {
                walk.in_field(key, |walk| match key.strip_suffix(".$") {
                    None => fixed.push((key.clone(), parse_node(value, walk))),
                    Some(name) => match parse_field(name, key, value, fields) {
                        Ok(node) => computed.push((name.to_owned(), node)),
                        Err(error) => walk.note(|pointer| Problem::of(&error, pointer)),
                    },
                });
            }
            hash_map_order::sort_by_key(&mut computed, |(name, _)| name);
            fixed.append(&mut computed);
            TemplateNode::object(fixed)
        }
        Value::Array(items) => {
            let nodes: Vec<TemplateNode> = items
                .iter()
                .enumerate()
                .map(|(index, item)| walk.in_item(index, |walk| parse_node(item, walk)))
                .collect();
            TemplateNode::array(nodes)
        }
        scalar => TemplateNode::Literal(scalar.clone()),
    }
}

/// Parses a field whose key ends in `.$`; a call with a constant value becomes a literal.
fn parse_field(
    name: &str,
    key: &str,
    value: &Value,
    siblings: &Map<String, Value>,
) -> Result<TemplateNode, Error> {
    if siblings.contains_key(name) {
        return Err(Error::invalid_expression(format!(
            "both `{name}` and `{key}` set the field `{name}`"
        )));
    }
    let Value::String(text) = value else {
        return Err(Error::invalid_expression(format!(
            "the value of `{key}` must be a string"
        )));
    };
    let expression = PathOrCall::parse(text)?;
    if let PathOrCall::Call(call) = &expression
        && let Some(value) = call.constant()
    {
        return Ok(TemplateNode::Literal(value.clone()));
    }
    Ok(TemplateNode::Computed {
        field: key.to_owned(),
        expression,
        moves: false,
    })
}
