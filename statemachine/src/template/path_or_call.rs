//! The expression of a computed field: a path or a call.

use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::evaluation_budget::{Budget, Exhausted};
use crate::intrinsics::Call;
use crate::jsonpath::{NULL_INPUT, Query};
use crate::scope::{Host, Scope};

/// The expression of a computed field: a path, or a call of an intrinsic function.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PathOrCall {
    /// A path into the input, the context object or a variable.
    Path(Query),
    /// A call of an intrinsic function, such as `States.Format(..)`.
    Call(Call),
}

impl PathOrCall {
    /// Parses a text that starts with `$` as a path, and any other text as a call.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`] if the text is neither.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if text.starts_with('$') {
            Query::parse(text).map(Self::Path)
        } else {
            Call::parse(text).map(Self::Call)
        }
    }

    /// Evaluates the expression within a budget; errors name `field` as its place.
    pub(super) fn evaluate_within(
        &self,
        field: &str,
        scope: &Scope<'_>,
        host: &mut Host,
        budget: &mut Budget,
    ) -> Result<Value, Error> {
        let value = match self {
            Self::Path(query) if query.reads_null(scope) => Err(Error::missing_value(NULL_INPUT)),
            Self::Path(query) => match query.resolve(scope) {
                Ok(value) => budget
                    .pay_for(&value)
                    .map(|()| value.into_owned())
                    .map_err(too_large),
                // Measured on AWS: an index past the end is null here, though not in a function's argument.
                Err(_) if query.ends_outside_its_array(scope) => Ok(Value::Null),
                Err(error) if error.kind() == ErrorKind::LimitExceeded => Err(error),
                Err(_) => Err(Error::missing_value(format!(
                    "The JSONPath '{query}' specified for the field '{field}' could not be found in the input '{}'",
                    scope.input
                ))),
            },
            Self::Call(call) => call.evaluate_within(scope, host, budget),
        };
        value.map_err(|error| error.in_field(field))
    }
}

/// Builds the error of a payload that would take too much memory.
pub(super) fn too_large(_exhausted: Exhausted) -> Error {
    Error::limit_exceeded("the evaluation needs more than 64 MiB, this program's limit")
}
