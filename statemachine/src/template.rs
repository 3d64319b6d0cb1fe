//! Payload templates: JSON whose fields ending in `.$` are computed.

use serde_json::{Map, Value};

use crate::intrinsics::Call;
use crate::jsonpath::Query;
use crate::scope::{Host, Scope};

/// A parsed payload template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    node: Node,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Literal(Value),
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
    Path {
        field: String,
        text: String,
        query: Query,
    },
    Call {
        call: Call,
    },
}

/// A place in a template that cannot be evaluated.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateErrorKind {
    /// A path leads nowhere: `States.ParameterPathFailure` in the specification, `States.Runtime` on AWS.
    Path,
    /// An intrinsic function failed: `States.IntrinsicFailure`.
    Intrinsic,
    /// The result would be too large or too deep: `States.Runtime`.
    Limit,
}

impl TemplateError {
    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> TemplateErrorKind {
        self.kind
    }

    /// Names the field that failed, as it stands in the template.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// Every place that is wrong.
    pub fn parse(template: &Value) -> Result<Self, Vec<TemplateProblem>> {
        let mut problems = Vec::new();
        let node = parse_node(template, String::new(), &mut problems);
        if problems.is_empty() {
            Ok(Self { node })
        } else {
            Err(problems)
        }
    }

    /// Evaluates the template.
    ///
    /// # Errors
    /// [`TemplateErrorKind`] says what went wrong, [`TemplateError::field`] where.
    pub fn evaluate(&self, scope: &Scope<'_>, host: &mut Host) -> Result<Value, TemplateError> {
        evaluate_node(&self.node, scope, host)
    }
}

fn parse_node(template: &Value, pointer: String, problems: &mut Vec<TemplateProblem>) -> Node {
    match template {
        Value::Object(fields) => Node::Object(
            fields
                .iter()
                .map(|(key, value)| {
                    let pointer = format!("{pointer}/{key}");
                    let Some(name) = key.strip_suffix(".$") else {
                        return (key.clone(), parse_node(value, pointer, problems));
                    };
                    let node = parse_field(key, value).unwrap_or_else(|(kind, message)| {
                        problems.push(TemplateProblem {
                            pointer,
                            kind,
                            message,
                        });
                        Node::Literal(Value::Null)
                    });
                    (name.to_owned(), node)
                })
                .collect(),
        ),
        Value::Array(items) => Node::Array(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| parse_node(item, format!("{pointer}/{index}"), problems))
                .collect(),
        ),
        other => Node::Literal(other.clone()),
    }
}

fn parse_field(field: &str, value: &Value) -> Result<Node, (TemplateProblemKind, String)> {
    let Value::String(text) = value else {
        return Err((
            TemplateProblemKind::NotText,
            format!("the value of `{field}` must be a string"),
        ));
    };
    if text.starts_with('$') {
        let query =
            Query::parse(text).map_err(|error| (TemplateProblemKind::Path, error.to_string()))?;
        return Ok(Node::Path {
            field: field.to_owned(),
            text: text.clone(),
            query,
        });
    }
    let call =
        Call::parse(text).map_err(|error| (TemplateProblemKind::Intrinsic, error.to_string()))?;
    Ok(Node::Call { call })
}

fn evaluate_node(node: &Node, scope: &Scope<'_>, host: &mut Host) -> Result<Value, TemplateError> {
    Ok(match node {
        Node::Literal(value) => value.clone(),
        Node::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, node)| Ok((key.clone(), evaluate_node(node, scope, host)?)))
                .collect::<Result<Map<_, _>, TemplateError>>()?,
        ),
        Node::Array(items) => Value::Array(
            items.iter().map(|node| evaluate_node(node, scope, host)).collect::<Result<_, TemplateError>>()?,
        ),
        Node::Path { field, text, query } => query.evaluate(scope).map_err(|_missing| TemplateError {
            kind: TemplateErrorKind::Path,
            field: field.clone(),
            message: format!(
                "The JSONPath '{text}' specified for the field '{field}' could not be found in the input '{}'",
                scope.input
            ),
        })?,
        Node::Call { call } => call.evaluate(scope, host).map_err(|error| TemplateError {
            kind: TemplateErrorKind::Intrinsic,
            field: String::new(),
            message: error.to_string(),
        })?,
    })
}
