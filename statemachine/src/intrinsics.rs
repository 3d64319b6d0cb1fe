//! Intrinsic functions: `States.Format` and its siblings.
//!
//! [`FUNCTIONS`] is the one table of them: the parser checks names and numbers of arguments against it, evaluation
//! dispatches on it, and the documentation is generated from it.
//!
//! ```
//! use drivetrain_statemachine::intrinsics::Call;
//! use drivetrain_statemachine::scope::{Host, Random, Scope};
//! use serde_json::{Map, json};
//!
//! let (input, context, variables) = (json!({"name": "Ada"}), json!({}), Map::new());
//! let scope = Scope { input: &input, context: &context, variables: &variables };
//! let mut host = Host { now: chrono::DateTime::UNIX_EPOCH, random: Random::from_seed(1) };
//! let call = Call::parse("States.Format('Hello {}, {}', $.name, States.MathAdd(1, 2))")?;
//! assert_eq!(call.evaluate(&scope, &mut host)?, json!("Hello Ada, 3"));
//! # Ok::<(), drivetrain_statemachine::intrinsics::IntrinsicError>(())
//! ```

mod array;
mod encode;
mod json;
mod math;
mod parse;
mod table;
mod text;

use std::borrow::Cow;

use serde_json::Value;

pub(crate) use encode::digest;
pub(crate) use math::JavaRandom;
pub use table::{FUNCTIONS, Function, Signature};

use crate::bounds::{self, Budget};
use crate::jsonpath::{PathErrorKind, Query};
use crate::scope::{Host, Scope};

/// How deep calls may nest, by AWS's documentation.
const MAX_NESTING: usize = 10;

/// Why a call could not be parsed or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IntrinsicError {
    kind: IntrinsicErrorKind,
    message: String,
}

/// What a caller can do about an [`IntrinsicError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntrinsicErrorKind {
    /// The text is no call: the definition must change.
    Syntax,
    /// A path among the arguments leads nowhere: `States.Runtime`.
    Missing,
    /// The function does not apply to its arguments: `States.IntrinsicFailure`.
    Failed,
    /// The result would be too large or too deep: `States.Runtime`.
    Limit,
}

impl IntrinsicError {
    fn syntax(message: impl Into<String>) -> Self {
        Self {
            kind: IntrinsicErrorKind::Syntax,
            message: message.into(),
        }
    }

    fn in_call(kind: IntrinsicErrorKind, call: &Call, message: &str) -> Self {
        Self {
            kind,
            message: format!(
                "The function '{}' had the following error: {message}",
                call.text
            ),
        }
    }

    /// Tells what can be done about it.
    #[must_use]
    pub fn kind(&self) -> IntrinsicErrorKind {
        self.kind
    }
}

/// A parsed call of an intrinsic function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    text: String,
    signature: &'static Signature,
    arguments: Vec<Argument>,
}

#[derive(Debug, Clone, PartialEq)]
enum Argument {
    Literal(Value),
    /// A quoted text; `pieces` is what stands between the `{}` in it.
    Text {
        value: Value,
        pieces: Vec<String>,
    },
    Path(Query),
    Call(Call),
}

/// Why a function does not apply to its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Refusal {
    Arguments(String),
    Limit(&'static str),
}

impl Refusal {
    fn arguments(message: impl Into<String>) -> Self {
        Self::Arguments(message.into())
    }
}

impl Call {
    /// Parses a call such as `States.Format('{}', $.name)`.
    ///
    /// # Errors
    /// [`IntrinsicErrorKind::Syntax`] if the text is no call of a known function with as many arguments as it takes.
    pub fn parse(text: &str) -> Result<Self, IntrinsicError> {
        parse::call(text)
    }

    /// Gives the call as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Evaluates the call.
    ///
    /// # Errors
    /// [`IntrinsicErrorKind::Missing`] if a path leads nowhere, [`IntrinsicErrorKind::Failed`] if an argument has the
    /// wrong type or value, [`IntrinsicErrorKind::Limit`] if the result would be too large or too deep.
    pub fn evaluate(&self, scope: &Scope<'_>, host: &mut Host) -> Result<Value, IntrinsicError> {
        self.evaluate_within(scope, host, &mut Budget::new())
    }

    pub(crate) fn evaluate_within(
        &self,
        scope: &Scope<'_>,
        host: &mut Host,
        budget: &mut Budget,
    ) -> Result<Value, IntrinsicError> {
        let too_large =
            |_exhausted| self.fail(IntrinsicErrorKind::Limit, "its result is too large");
        let mut values: Vec<Cow<'_, Value>> = Vec::with_capacity(self.arguments.len());
        for argument in &self.arguments {
            values.push(match argument {
                Argument::Literal(value) | Argument::Text { value, .. } => Cow::Borrowed(value),
                Argument::Path(query) => self.look_up(query, scope)?,
                Argument::Call(call) => Cow::Owned(call.evaluate_within(scope, host, budget)?),
            });
        }
        if self.signature.function.keeps_arguments() {
            values
                .iter()
                .try_for_each(|value| budget.pay_for(value))
                .map_err(too_large)?;
        }
        let pieces = match self.arguments.first() {
            Some(Argument::Text { pieces, .. }) => Some(pieces.as_slice()),
            _ => None,
        };
        let result = self
            .signature
            .function
            .apply(&values, pieces, host)
            .map_err(|refusal| match refusal {
                Refusal::Arguments(message) => self.fail(
                    IntrinsicErrorKind::Failed,
                    &format!("Invalid arguments in {}: {message}", self.signature.name),
                ),
                Refusal::Limit(message) => self.fail(IntrinsicErrorKind::Limit, message),
            })?;
        if !self.signature.function.keeps_arguments() {
            budget.pay_for(&result).map_err(too_large)?;
        }
        if self.signature.function.nests() && bounds::nests_too_deeply(&result) {
            return Err(self.fail(IntrinsicErrorKind::Limit, "its result nests too deeply"));
        }
        Ok(result)
    }

    fn look_up<'v>(
        &'v self,
        query: &'v Query,
        scope: &Scope<'v>,
    ) -> Result<Cow<'v, Value>, IntrinsicError> {
        query.resolve(scope).map_err(|error| match error.kind() {
            PathErrorKind::Limit => self.fail(IntrinsicErrorKind::Limit, &error.to_string()),
            _ => self.fail(
                IntrinsicErrorKind::Missing,
                &format!(
                    "The JsonPath argument for the field '{query}' could not be found in the input '{}'",
                    scope.input
                ),
            ),
        })
    }

    fn fail(&self, kind: IntrinsicErrorKind, message: &str) -> IntrinsicError {
        IntrinsicError::in_call(kind, self, message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;
    use crate::scope::Random;

    pub(super) fn evaluate(call: &str, input: &Value) -> Result<Value, IntrinsicError> {
        evaluate_within(call, input, Budget::new())
    }

    fn evaluate_within(
        call: &str,
        input: &Value,
        mut budget: Budget,
    ) -> Result<Value, IntrinsicError> {
        let (context, variables) = (json!({}), Map::from_iter([("v".to_owned(), json!(5))]));
        let scope = Scope {
            input,
            context: &context,
            variables: &variables,
        };
        let mut host = Host {
            now: chrono::DateTime::UNIX_EPOCH,
            random: Random::from_seed(1),
        };
        Call::parse(call)?.evaluate_within(&scope, &mut host, &mut budget)
    }

    #[test]
    fn arguments_come_from_everywhere() {
        let call = "States.Array('it\\'s', -1.5, null, true, $.a, $v, States.Array())";
        assert_eq!(
            evaluate(call, &json!({"a": [1]})),
            Ok(json!(["it's", -1.5, null, true, [1], 5, []]))
        );
    }

    #[test]
    fn a_missing_path_and_a_wrong_type_are_told_apart() {
        let missing = evaluate("States.ArrayLength($.x)", &json!({"a": 1})).unwrap_err();
        assert_eq!(missing.kind(), IntrinsicErrorKind::Missing);
        assert_eq!(
            missing.to_string(),
            "The function 'States.ArrayLength($.x)' had the following error: The JsonPath argument for the field \
             '$.x' could not be found in the input '{\"a\":1}'"
        );
        let wrong = evaluate("States.ArrayLength($.a)", &json!({"a": 1})).unwrap_err();
        assert_eq!(wrong.kind(), IntrinsicErrorKind::Failed);
    }

    #[test]
    fn results_are_bounded() {
        let kind = |call: &str, input: &Value, bytes: u64| {
            evaluate_within(call, input, Budget::of(bytes))
                .map_err(|error| error.kind())
                .err()
        };
        let limit = Some(IntrinsicErrorKind::Limit);
        let input = json!({"s": "x".repeat(1000)});
        let many = vec!["$.s"; 100].join(",");
        let format = format!("States.Format('{}',{many})", "{}".repeat(100));
        for call in [&format!("States.Array({many})"), &format] {
            assert_eq!(kind(call, &input, 50_000), limit);
            assert_eq!(kind(call, &input, 500_000), None);
        }
        // Each level doubles the backslashes.
        let nested = "States.JsonToString(".repeat(10) + "$" + &")".repeat(10);
        assert_eq!(kind(&nested, &json!("\"".repeat(1000)), 500_000), limit);
        let deep = (0..126).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(kind("States.Array($)", &deep, 50_000), None);
        assert_eq!(kind("States.Array(States.Array($))", &deep, 50_000), limit);
    }
}
