//! `JSONPath` as AWS reads it.

use serde_json::Value;

use crate::scope::Scope;

/// Why a path could not be parsed or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PathError {
    kind: PathErrorKind,
    message: String,
}

/// What a caller can do about a [`PathError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathErrorKind {
    /// The text is no path: the definition must change.
    Syntax,
    /// The path leads nowhere in this document.
    Missing,
    /// The path leads through a value of the wrong type.
    Mismatch,
}

impl PathError {
    fn new(kind: PathErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> PathErrorKind {
        self.kind
    }
}

/// A parsed path.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    reference: ReferencePath,
}

impl Query {
    /// Parses a path that starts with `$`, `$$` or `$name`.
    ///
    /// # Errors
    /// [`PathErrorKind::Syntax`] if the text is no path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        Ok(Self {
            reference: ReferencePath::parse(text)?,
        })
    }

    /// Evaluates against a scope.
    ///
    /// # Errors
    /// [`PathErrorKind::Missing`] if a definite path leads nowhere.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, PathError> {
        self.evaluate_on(scope.input)
    }

    /// Evaluates against a plain document.
    ///
    /// # Errors
    /// [`PathErrorKind::Missing`] if a definite path leads nowhere.
    pub fn evaluate_on(&self, document: &Value) -> Result<Value, PathError> {
        self.reference
            .get(document)
            .cloned()
            .ok_or_else(|| PathError::new(PathErrorKind::Missing, "No results for path"))
    }

    /// Tells whether the path stands for one value rather than a list of matches.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        true
    }
}

/// A path that names exactly one place: fields and array indices only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencePath {
    steps: Vec<String>,
}

impl ReferencePath {
    /// Parses a reference path.
    ///
    /// # Errors
    /// [`PathErrorKind::Syntax`] if the text is no reference path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let rest = text
            .strip_prefix('$')
            .ok_or_else(|| PathError::new(PathErrorKind::Syntax, "a path starts with `$`"))?;
        if rest.contains(['[', '*', '?', '(']) {
            return Err(PathError::new(
                PathErrorKind::Syntax,
                "only fields are read so far",
            ));
        }
        Ok(Self {
            steps: rest.split('.').skip(1).map(str::to_owned).collect(),
        })
    }

    /// Looks up the place in a document.
    #[must_use]
    pub fn get<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.steps
            .iter()
            .try_fold(document, |value, step| value.get(step))
    }

    /// Puts a value at the place, creating the objects on the way.
    ///
    /// # Errors
    /// [`PathErrorKind::Mismatch`] if the way leads through something that is no object.
    pub fn insert(&self, root: &mut Value, value: Value) -> Result<(), PathError> {
        let mut place = root;
        for step in &self.steps {
            let Value::Object(fields) = place else {
                return Err(PathError::new(PathErrorKind::Mismatch, "not an object"));
            };
            place = fields
                .entry(step.clone())
                .or_insert_with(|| Value::Object(serde_json::Map::new()));
        }
        *place = value;
        Ok(())
    }
}
