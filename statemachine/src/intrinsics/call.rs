//! A parsed call of an intrinsic function, and its evaluation.

use std::borrow::Cow;

use chrono::DateTime;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::evaluation_budget::{self, Budget, Exhausted};
use crate::intrinsics::argument_refusal::Refusal;
use crate::intrinsics::function_table::Signature;
use crate::intrinsics::text_functions::Pieces;
use crate::jsonpath::Query;
use crate::scope::{Host, Random, Scope};

/// The most bytes that a stored constant may take per byte of its call's text, so that the constants of a definition
/// cannot exhaust the memory.
const LARGEST_CONSTANT: u64 = 128;

/// A parsed call of an intrinsic function.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The call as written, which error messages quote.
    pub(super) text: String,
    /// The row of `FUNCTIONS` for the called function.
    pub(super) signature: &'static Signature,
    /// The arguments in order, as many as the signature allows.
    pub(super) arguments: Vec<CallArgument>,
    /// The call's value, if it is known when the call is parsed.
    pub(super) constant: Option<Box<Constant>>,
}

/// The value of a call that has neither paths nor randomness, with its cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Constant {
    /// The value that every evaluation returns.
    pub(super) value: Value,
    /// The bytes that each evaluation takes from its budget, as if it computed the value again.
    bytes: u64,
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CallArgument {
    /// A number, a boolean or null.
    Literal(Value),
    /// A quoted text; `pieces` are the texts between the `{}` in it.
    Text {
        /// The text with its escapes resolved, for functions other than `States.Format`.
        value: Value,
        /// The pieces, which `States.Format` joins; an error if the braces do not match.
        pieces: Pieces,
    },
    /// A path, which is read in each evaluation.
    Path(Query),
    /// A nested call, evaluated before the outer one.
    Call(Call),
}

impl Call {
    /// Returns the call as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Evaluates the call.
    ///
    /// # Errors
    /// [`ErrorKind::MissingValue`] if a path finds nothing, [`ErrorKind::EvaluationFailed`] if an argument has the
    /// wrong type or value, [`ErrorKind::LimitExceeded`] if the result would be too large or too deep.
    pub fn evaluate(&self, scope: &Scope<'_>, host: &mut Host) -> Result<Value, Error> {
        self.evaluate_within(scope, host, &mut Budget::new())
    }

    /// Evaluates the call within a budget. An error quotes the outermost call, even if an inner call fails.
    pub(crate) fn evaluate_within(
        &self,
        scope: &Scope<'_>,
        host: &mut Host,
        budget: &mut Budget,
    ) -> Result<Value, Error> {
        self.value(scope, host, budget)
            .map(Cow::into_owned)
            .map_err(|CallFailure { kind, message }| {
                let text = &self.text;
                let message = format!("The function '{text}' had the following error: {message}");
                Error::new(kind, message)
            })
    }

    /// Returns the value that was computed when the call was parsed; `None` if the call is not constant.
    pub(crate) fn constant(&self) -> Option<&Value> {
        self.constant.as_ref().map(|constant| &constant.value)
    }

    /// Computes the value in advance if the call has no paths and no randomness, and keeps the value if it is small.
    ///
    /// If the computation fails, parsing still succeeds: the call fails when the state runs, as on AWS.
    pub(super) fn fold(&mut self) {
        let is_fixed = |argument: &CallArgument| match argument {
            CallArgument::Literal(_) | CallArgument::Text { .. } => true,
            CallArgument::Path(_) => false,
            CallArgument::Call(call) => call.constant.is_some(),
        };
        if !self.signature.function.is_pure() || !self.arguments.iter().all(is_fixed) {
            return;
        }
        let nothing = Value::Null;
        let scope = Scope {
            input: &nothing,
            context: &nothing,
            variables: &Map::new(),
        };
        let mut host = Host {
            now: DateTime::UNIX_EPOCH,
            random: Random::from_seed(0),
        };
        let mut budget = Budget::new();
        let value = self.value(&scope, &mut host, &mut budget);
        let value = value.ok().map(Cow::into_owned);
        let largest = LARGEST_CONSTANT.saturating_mul(self.text.len() as u64);
        self.constant = value
            .filter(|value| evaluation_budget::weight(value) <= largest)
            .map(|value| {
                Box::new(Constant {
                    value,
                    bytes: budget.spent(),
                })
            });
    }

    /// Returns the call's value, borrowed from a constant or the scope if possible.
    fn value<'v>(
        &'v self,
        scope: &Scope<'v>,
        host: &mut Host,
        budget: &mut Budget,
    ) -> Result<Cow<'v, Value>, CallFailure> {
        if let Some(constant) = &self.constant {
            budget.pay(constant.bytes).map_err(too_large)?;
            return Ok(Cow::Borrowed(&constant.value));
        }
        // Nearly all calls have few arguments, which need no allocation.
        let mut few: [Cow<'v, Value>; 4] = std::array::from_fn(|_| Cow::Owned(Value::Null));
        let mut many = Vec::new();
        let values = if let Some(values) = few.get_mut(..self.arguments.len()) {
            values
        } else {
            many.resize(self.arguments.len(), Cow::Owned(Value::Null));
            many.as_mut_slice()
        };
        for (value, argument) in values.iter_mut().zip(&self.arguments) {
            *value = match argument {
                CallArgument::Literal(value) | CallArgument::Text { value, .. } => {
                    Cow::Borrowed(value)
                }
                CallArgument::Path(query) => look_up(query, scope)?,
                CallArgument::Call(call) => call.value(scope, host, budget)?,
            };
        }
        let function = self.signature.function;
        if function.keeps_arguments() {
            values
                .iter()
                .try_for_each(|value| budget.pay_for(value))
                .map_err(too_large)?;
        }
        let pieces = match self.arguments.first() {
            Some(CallArgument::Text { pieces, .. }) => Some(pieces),
            _ => None,
        };
        let result = function
            .apply(values, pieces, host)
            .map_err(|refusal| self.failed(refusal))?;
        if !function.keeps_arguments() {
            budget.pay_for(&result).map_err(too_large)?;
        }
        if function.nests() && evaluation_budget::nests_too_deeply(&result) {
            return Err(CallFailure::new(
                ErrorKind::LimitExceeded,
                "the result nests deeper than 127 levels",
            ));
        }
        Ok(result)
    }

    /// Builds the failure of a function that rejects its arguments.
    ///
    /// AWS's documentation names the error `States.IntrinsicFailure`, but recorded executions fail with
    /// `States.Runtime`. This crate follows the recordings.
    fn failed(&self, refusal: Refusal) -> CallFailure {
        let name = self.signature.name;
        let message = match refusal {
            Refusal::Arguments => format!("Invalid arguments in {name}"),
            Refusal::Places => format!(
                "Invalid arguments in {name}: number of arguments do not match the occurrences of {{}}"
            ),
            Refusal::Template(reason) => format!("Invalid template in {name}: {reason}"),
            Refusal::Limit(message) => return CallFailure::new(ErrorKind::LimitExceeded, message),
        };
        CallFailure::new(ErrorKind::EvaluationFailed, message)
    }
}

/// Builds the failure of a call whose budget is used up.
fn too_large(_exhausted: Exhausted) -> CallFailure {
    CallFailure::new(
        ErrorKind::LimitExceeded,
        "the evaluation needs more than 64 MiB, this program's limit",
    )
}

/// The failure of a call, before the text of the outermost call is added.
struct CallFailure {
    /// The kind of the error that the outermost call reports.
    kind: ErrorKind,
    /// The reason, without the text of the call.
    message: String,
}

impl CallFailure {
    /// Creates a failure from its kind and its reason.
    fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

/// Returns the value at a path; any failure but an exceeded limit is reported as a missing value.
fn look_up<'v>(query: &'v Query, scope: &Scope<'v>) -> Result<Cow<'v, Value>, CallFailure> {
    query.resolve(scope).map_err(|error| match error.kind() {
        ErrorKind::LimitExceeded => CallFailure::new(ErrorKind::LimitExceeded, error.to_string()),
        _ => CallFailure::new(
            ErrorKind::MissingValue,
            format!(
                "The JsonPath argument for the field '{query}' could not be found in the input '{}'",
                scope.input
            ),
        ),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in crate::intrinsics) fn evaluate(call: &str, input: &Value) -> Result<Value, Error> {
        evaluate_within(call, input, Budget::new())
    }

    fn evaluate_within(call: &str, input: &Value, mut budget: Budget) -> Result<Value, Error> {
        let (context, variables) = (json!({}), Map::from_iter([("v".to_owned(), json!(5))]));
        let scope = Scope {
            input,
            context: &context,
            variables: &variables,
        };
        let mut host = Host {
            now: DateTime::UNIX_EPOCH,
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
    fn a_missing_path_and_a_wrong_type_are_different_errors() {
        let missing = evaluate("States.ArrayLength($.x)", &json!({"a": 1})).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::MissingValue);
        assert_eq!(
            missing.to_string(),
            "The function 'States.ArrayLength($.x)' had the following error: The JsonPath argument for the field \
             '$.x' could not be found in the input '{\"a\":1}'"
        );
        let nested = evaluate("States.Format('{}', States.Array($.x))", &json!(1)).unwrap_err();
        assert_eq!(
            nested.to_string(),
            "The function 'States.Format('{}', States.Array($.x))' had the following error: The JsonPath argument for \
             the field '$.x' could not be found in the input '1'"
        );
        let wrong = evaluate("States.ArrayLength($.a)", &json!({"a": 1})).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::EvaluationFailed);
    }

    #[test]
    fn results_are_bounded() {
        let kind = |call: &str, input: &Value, bytes: u64| {
            evaluate_within(call, input, Budget::of(bytes))
                .map_err(|error| error.kind())
                .err()
        };
        let limit = Some(ErrorKind::LimitExceeded);
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

    #[test]
    fn a_constant_call_is_evaluated_when_it_is_parsed() {
        let constant = |call: &str| Call::parse(call).unwrap().constant().cloned();
        let parts = "States.ArrayPartition(States.ArrayRange(1, 4, 1), 2)";
        assert_eq!(constant(parts), Some(json!([[1, 2], [3, 4]])));
        let merged =
            "States.JsonMerge(States.StringToJson('{\"x\":1}'), States.StringToJson('{}'), false)";
        assert_eq!(constant(merged), Some(json!({"x": 1})));
        for call in [
            "States.MathAdd($.n, 1)",
            "States.Array(States.UUID())",
            "States.MathRandom(1, 2)",
            // A call that fails does so when the state runs.
            "States.ArrayRange(1, 5, 0)",
            "States.StringToJson('{')",
            // A large value is not kept.
            "States.ArrayRange(1, 1000, 1)",
            "States.ArrayPartition(States.ArrayRange(1, 1000, 1), 7)",
        ] {
            assert_eq!(constant(call), None, "{call}");
        }
    }

    #[test]
    fn a_constant_takes_as_much_memory_as_computing_it() {
        let evaluate = |bytes| {
            evaluate_within(
                "States.ArrayRange(1, 40, 1)",
                &json!(null),
                Budget::of(bytes),
            )
        };
        assert!(evaluate(10_000).is_ok());
        assert_eq!(
            evaluate(1_000).unwrap_err().kind(),
            ErrorKind::LimitExceeded
        );
    }
}
