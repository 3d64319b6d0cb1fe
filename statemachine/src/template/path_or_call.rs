//! What a computed field of a template holds.

use serde_json::Value;

use crate::evaluation_budget::Budget;
use crate::intrinsics::{Call, IntrinsicErrorKind};
use crate::jsonpath::{NULL_INPUT, PathErrorKind, Query};
use crate::scope::{Host, Scope};
use crate::template::error::{TemplateError, TemplateErrorKind, TemplateProblemKind};

/// What a computed field holds: a path, or a call of an intrinsic function.
#[derive(Debug, Clone, PartialEq)]
pub enum PathOrCall {
    /// A path.
    Path(Query),
    /// A call of an intrinsic function.
    Call(Call),
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

    pub(super) fn evaluate_within(
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
