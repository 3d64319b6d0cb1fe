//! `JSONata` as AWS runs it.

use serde_json::{Map, Value};

use crate::scope::Host;

/// What a `JSONata` expression can see.
#[derive(Debug, Clone, Copy)]
pub struct JsonataScope<'a> {
    /// What `$states` stands for.
    pub states: &'a Value,
    /// The variables assigned so far, `$name`.
    pub variables: &'a Map<String, Value>,
}

/// Why an expression could not be parsed or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct JsonataError {
    kind: JsonataErrorKind,
    message: String,
    field: String,
}

/// What a caller can do about a [`JsonataError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonataErrorKind {
    /// The text is no expression: `INVALID_JSONATA_EXPRESSION`.
    Syntax,
    /// The expression uses what Step Functions does not support: `UNSUPPORTED_JSONATA_EXPRESSION`.
    Unsupported,
    /// The expression gave nothing.
    Undefined,
    /// The expression gave something that is no JSON, such as a function.
    ResultType,
    /// The expression failed.
    Evaluation,
    /// The expression took too much time, memory or depth.
    Limit,
}

impl JsonataError {
    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> JsonataErrorKind {
        self.kind
    }

    /// Names the field that failed, such as `Output/result`; empty outside a template.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }
}

/// A parsed expression.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
}

impl Expression {
    /// Parses the text between `{%` and `%}`.
    ///
    /// # Errors
    /// [`JsonataErrorKind::Syntax`] or [`JsonataErrorKind::Unsupported`].
    pub fn parse(text: &str) -> Result<Self, JsonataError> {
        Ok(Self {
            text: text.trim().to_owned(),
        })
    }

    /// Gives the expression as written, without surrounding blanks.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// [`JsonataErrorKind`] says why not.
    pub fn evaluate(
        &self,
        _scope: &JsonataScope<'_>,
        _host: &mut Host,
    ) -> Result<Value, JsonataError> {
        Err(JsonataError {
            kind: JsonataErrorKind::Evaluation,
            message: "expressions are not evaluated so far".to_owned(),
            field: String::new(),
        })
    }
}

/// JSON in which every string of the form `{% .. %}` is an expression.
#[derive(Debug, Clone)]
pub struct Template {
    value: Value,
}

/// A place in a template that is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// JSON pointer from the template's root.
    pub pointer: String,
    /// What is wrong.
    pub kind: JsonataErrorKind,
    /// The same for a reader.
    pub message: String,
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// Every place that is wrong.
    pub fn parse(template: &Value) -> Result<Self, Vec<TemplateProblem>> {
        Ok(Self {
            value: template.clone(),
        })
    }

    /// Evaluates the template; `field` names it in errors (`Output`, then `Output/result`).
    ///
    /// # Errors
    /// [`JsonataErrorKind`] says why not.
    pub fn evaluate(
        &self,
        _field: &str,
        _scope: &JsonataScope<'_>,
        _host: &mut Host,
    ) -> Result<Value, JsonataError> {
        Ok(self.value.clone())
    }
}
