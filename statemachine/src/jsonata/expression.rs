//! A parsed expression, and its evaluation within limits of time, memory and depth.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use jsonata_core::ast::AstNode;
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorOptions};
use jsonata_core::value::JValue;
use serde_json::Value;

use crate::error::Error;
use crate::jsonata::evaluation_meter::{EvaluationMeter, MAX_SEQUENCE_ITEMS};
use crate::jsonata::jsonata_scope::JsonataScope;
use crate::jsonata::variable_references::References;
use crate::jsonata::{
    aws_functions, bounding_rewrite, error_text, json_conversion, variable_references,
};
use crate::scope::Host;

/// The longest text of an expression. AWS limits a whole definition to 1 MB.
const MAX_TEXT_BYTES: usize = 256 << 10;
/// The depth to which an evaluation may nest. AWS stops at about 100 calls; a call takes three to five of these levels.
const MAX_LEVELS: usize = 500;

/// A parsed JSONata expression, which can be evaluated any number of times.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The expression as written, for messages.
    text: String,
    /// The parsed expression, rewritten so that its evaluation stays within the limits.
    tree: AstNode,
    /// The variables that the expression reads.
    references: References,
    /// The names that the tree calls or reads; AWS's functions among them are registered for an evaluation.
    names: BTreeSet<String>,
}

impl Expression {
    /// Parses the text between `{%` and `%}`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidExpression`](crate::ErrorKind::InvalidExpression) if the text is not an expression,
    /// [`ErrorKind::UnsupportedExpression`](crate::ErrorKind::UnsupportedExpression) if it reads the input document,
    /// which an expression in a state does not have.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(Error::invalid_expression(format!(
                "the expression has {} bytes, expected at most {MAX_TEXT_BYTES}",
                text.len()
            )));
        }
        let text = text.trim();
        let tree = jsonata_core::parser::parse(text)
            .map_err(|error| Error::invalid_expression(error_text::parser_message(&error, text)))?;
        if let Some(reason) = variable_references::reads_input(&tree) {
            return Err(Error::unsupported_expression(reason));
        }
        let references = References::of(&tree);
        let tree = bounding_rewrite::bounded(tree);
        Ok(Self {
            text: text.to_owned(),
            names: variable_references::names(&tree),
            tree,
            references,
        })
    }

    /// Returns the expression as written, without surrounding blanks.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// [`ErrorKind::MissingValue`](crate::ErrorKind::MissingValue) if there is no result,
    /// [`ErrorKind::UnsupportedResult`](crate::ErrorKind::UnsupportedResult) if the result is not JSON,
    /// [`ErrorKind::EvaluationFailed`](crate::ErrorKind::EvaluationFailed) if the expression failed,
    /// [`ErrorKind::LimitExceeded`](crate::ErrorKind::LimitExceeded) if the evaluation exceeded a limit.
    pub fn evaluate(&self, scope: &JsonataScope<'_>, host: &mut Host) -> Result<Value, Error> {
        self.evaluate_metered(scope, host, &Rc::new(EvaluationMeter::new()))
    }

    /// Evaluates the expression with a meter that all expressions of a template share.
    pub(super) fn evaluate_metered(
        &self,
        scope: &JsonataScope<'_>,
        host: &mut Host,
        meter: &Rc<EvaluationMeter>,
    ) -> Result<Value, Error> {
        let mut context = Context::new();
        self.references.bind(scope, host.now, &mut context);
        let options = EvaluatorOptions {
            timeout_ms: Some(meter.milliseconds),
            max_stack_depth: Some(MAX_LEVELS),
            max_sequence_length: Some(MAX_SEQUENCE_ITEMS),
            ..EvaluatorOptions::default()
        };
        let mut evaluator = Evaluator::with_options(context, options);
        let random = aws_functions::register(&mut evaluator, host, meter, &self.names)
            .map_err(|error| Error::evaluation_failed(error_text::evaluator_message(&error)))?;
        // The evaluator is a dependency, and some expression may make it panic. It shares no state with this crate, so
        // the panic only fails this evaluation.
        let result = catch_unwind(AssertUnwindSafe(|| {
            evaluator.evaluate(&self.tree, &JValue::Undefined)
        }));
        host.random = random.borrow().clone();
        let result = result
            .map_err(|_panic| Error::evaluation_failed("The JSONata evaluator crashed"))?
            .map_err(|error| meter.classify(&error))?;
        json_conversion::to_json(&result, meter)
    }
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorKind;
    use serde_json::{Map, json};

    use super::*;
    use crate::scope::Random;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a literal reads better without a reference"
    )]
    fn evaluate(text: &str, input: Value) -> Result<Value, Error> {
        let states = json!({"input": input, "context": {"State": {"Name": "S"}}});
        let variables = Map::from_iter([
            ("answer".to_owned(), json!(42)),
            ("join".to_owned(), json!("shadow")),
        ]);
        let scope = JsonataScope {
            states: &states,
            variables: &variables,
        };
        let mut host = Host {
            now: chrono::DateTime::UNIX_EPOCH,
            random: Random::from_seed(1),
        };
        Expression::parse(text)?.evaluate(&scope, &mut host)
    }

    /// Evaluates an expression that must exceed a limit, and returns the kind of its error. The limits are a tenth of
    /// the usual ones, so that it fails sooner.
    fn limited(text: &str) -> ErrorKind {
        let (states, variables) = (json!({}), Map::new());
        let scope = JsonataScope {
            states: &states,
            variables: &variables,
        };
        let mut host = Host {
            now: chrono::DateTime::UNIX_EPOCH,
            random: Random::from_seed(1),
        };
        let meter = Rc::new(EvaluationMeter::of(50 << 20, 500));
        Expression::parse(text)
            .unwrap()
            .evaluate_metered(&scope, &mut host, &meter)
            .unwrap_err()
            .kind()
    }

    fn kind(text: &str) -> ErrorKind {
        evaluate(text, json!(null)).unwrap_err().kind()
    }

    #[test]
    fn states_and_variables_are_seen() {
        assert_eq!(
            evaluate("$states.input.a + $answer", json!({"a": 1})),
            Ok(json!(43))
        );
        assert_eq!(
            evaluate("$states.context.State.Name & '!'", json!(null)),
            Ok(json!("S!"))
        );
        assert_eq!(
            evaluate("$keys($states)", json!(null)),
            Ok(json!(["input", "context"]))
        );
        assert_eq!(evaluate("$join", json!(null)), Ok(json!("shadow")));
    }

    #[test]
    fn only_variables_that_are_read_are_converted() {
        let input = json!({"a": [{"b": 1, "c": 2}, {"b": 3}], "d": {"e": {"f": [4]}}, "k": "b"});
        for (text, expected) in [
            ("$states.input.a.b", json!([1, 3])),
            ("$states.input.a[c = 2].b", json!(1)),
            ("$states.input.a[-1]", json!({"b": 3})),
            ("$count($states.input.a) + $states.input.d.e.f[0]", json!(6)),
            ("$keys($states.input)", json!(["a", "d", "k"])),
            ("$states.input.d.*.f", json!([4])),
            (
                "$states.input.a.b.{'b': $, 'all': %.c}",
                json!([{"b": 1, "all": 2}, {"b": 3}]),
            ),
            ("$lookup($states.input.a[0], $states.input.k)", json!(1)),
            (
                "$states.input.a@$x.{'b': $x.b}",
                json!([{"b": 1}, {"b": 3}]),
            ),
            ("$states{'n': input.d.e.f}", json!({"n": [4]})),
        ] {
            assert_eq!(evaluate(text, input.clone()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn nothing_null_and_functions_are_different_results() {
        assert_eq!(kind("$states.input.missing"), ErrorKind::MissingValue);
        assert_eq!(evaluate("null", json!(null)), Ok(Value::Null));
        assert_eq!(kind("function($x){$x}"), ErrorKind::UnsupportedResult);
        assert_eq!(kind("$nothing(1)"), ErrorKind::EvaluationFailed);
    }

    #[test]
    fn numbers_are_json_numbers() {
        assert_eq!(evaluate("[1/0]", json!(null)), Ok(json!(["Infinity"])));
        assert_eq!(
            evaluate("$string(1e20)", json!(null)),
            Ok(json!("100000000000000000000"))
        );
        assert_eq!(evaluate("$states.input / 2", json!(3)), Ok(json!(1.5)));
        assert_eq!(
            evaluate("$states.input", json!(7)).map(|number| number.is_i64()),
            Ok(true)
        );
    }

    #[test]
    fn distinct_works_as_in_the_language() {
        let distinct = "$distinct([1, 1.0, '1', {'a': 1, 'b': [2]}, {'b': [2], 'a': 1}, [1], [1], null, null])";
        assert_eq!(
            evaluate(distinct, json!(null)),
            Ok(json!([1, "1", {"a": 1, "b": [2]}, [1], null]))
        );
        assert_eq!(evaluate("[1,1] ~> $distinct", json!(null)), Ok(json!([1])));
        assert_eq!(
            evaluate("($distinct := 5; $distinct)", json!(null)),
            Ok(json!(5))
        );
        let many = "$count($distinct([1..20000].{'a': $ % 7}))";
        assert_eq!(evaluate(many, json!(null)), Ok(json!(7)));
    }

    #[test]
    fn pictures_that_would_break_the_evaluator_are_refused() {
        for picture in [
            "[,0001]",
            "[é]",
            "[Y,0-99]",
            "[Y####################]",
            "[ ,2]",
            "[,*f[Z]",
        ] {
            let text = format!("$fromMillis(0, '{picture}')");
            let kind = evaluate(&text, json!(null)).unwrap_err().kind();
            assert!(
                matches!(kind, ErrorKind::EvaluationFailed | ErrorKind::LimitExceeded),
                "{text}"
            );
        }
        assert_eq!(
            evaluate("$fromMillis(0, '[[x]] [Y9,999,*]')", json!(null)),
            Ok(json!("[x] 1,970"))
        );
    }

    #[test]
    fn a_panic_of_the_evaluator_ends_as_an_error() {
        // The evaluator's code for names of a date's parts reaches an `unreachable!`.
        let error = evaluate("$fromMillis(-1, '[fNN]')", json!(null)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::EvaluationFailed);
    }

    #[test]
    fn the_clock_and_the_randomness_are_the_hosts() {
        assert_eq!(
            evaluate("$now()", json!(null)),
            Ok(json!("1970-01-01T00:00:00.000Z"))
        );
        assert_eq!(evaluate("$now('[Y0001]')", json!(null)), Ok(json!("1970")));
        assert_eq!(evaluate("$millis()", json!(null)), Ok(json!(0)));
        let draw = || evaluate("[$random(), $random(), $uuid()]", json!(null)).unwrap();
        assert_eq!(draw(), draw());
        assert_ne!(draw()[0], draw()[1]);
        assert_eq!(
            evaluate("$random(5) = $random(5)", json!(null)),
            Ok(json!(true))
        );
    }

    #[test]
    fn an_expression_has_no_input_document() {
        for text in [
            "$",
            "$$",
            "states.input",
            "{'a': b}",
            "$uppercase(name)",
            "*",
            "x[0]",
        ] {
            assert_eq!(
                Expression::parse(text).unwrap_err().kind(),
                ErrorKind::UnsupportedExpression,
                "{text}"
            );
        }
        for text in [
            "$states.input.(a & $)",
            "$states.input[$ = 1]",
            "$map([1], function($v){$v})",
            "$x{'k': v}",
        ] {
            assert!(Expression::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn syntax_errors_read_as_jsonatas() {
        let text = |text| Expression::parse(text).unwrap_err().to_string();
        assert_eq!(
            text("\"unterminated"),
            "String literal must be terminated by a matching quote"
        );
        assert_eq!(
            text("{\"a\":}"),
            "The symbol \"}\" cannot be used as a unary operator"
        );
        assert_eq!(
            text("$match(\"a\", /abc"),
            "No terminating / in regular expression"
        );
        assert_eq!(text("[1:2]"), "Expected \"]\", got \":\"");
    }

    #[test]
    fn values_that_grow_without_end_are_stopped() {
        for text in [
            "[1..873783]",
            "($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $length($p('x', 40)))",
            "($p := function($s, $n) { $n = 0 ? $s : $p([$s, $s], $n - 1) }; $string($p('x', 60)))",
            "($p := function($s, $n) { $n = 0 ? $s : $p([$s, $s], $n - 1) }; $p('x', 60))",
            "($p := function($s, $n) { $n = 0 ? $s : $p({'a': $s, 'b': $s}, $n - 1) }; $p(1, 60) = $p(1, 60))",
            "($p := function($s, $n) { $n = 0 ? $s : $p($map([1,2], function(){$s}), $n - 1) }; $distinct([$p([false, false], 60)]))",
            "$pad('x', 1000000000)",
            "($s := $pad('x', 1000000); $replace($s, 'x', $s))",
            "($s := $pad('x', 1000000); $s ~> $replace('x', $s))",
            "($s := $pad('x', 1000000); $f := $replace(?, 'x', $s); $f($s))",
            "$map([$pad('x', 100000)], $replace(?, 'x', $pad('y', 100000)))",
            "($s := $pad('x', 1000000); $join([1..100000].($string($)), $s))",
            "$replace($pad('', 100000, 'x'), /x/, function($m) { $pad('y', 100000) })",
            "($f := function($m) { $pad('y', 100000) }; $pad('', 100000, 'x') ~> $replace(/x/, $f))",
            "$fromMillis(0, '[Y,999999999]')",
            "$now('[M,2-9999999]')",
            "$formatInteger(1e300, 'I')",
            "$map([1e300], $formatInteger(?, 'i'))",
            "$range(1, 10000000, 1)",
            "$parse($pad('', 100000, '['))",
        ] {
            assert_eq!(limited(text), ErrorKind::LimitExceeded, "{text}");
        }
        for text in [
            "($f := function($n){ 1 + $f($n) }; $f(1))",
            "$reduce([1..200], function($a, $i){ [[$a]] })",
        ] {
            assert_eq!(limited(text), ErrorKind::LimitExceeded, "{text}");
        }
    }

    #[test]
    fn expressions_that_never_end_are_stopped() {
        assert_eq!(
            limited("($f := function($n){ $f($n + 1) }; $f(1))"),
            ErrorKind::LimitExceeded
        );
    }

    #[test]
    fn values_that_aws_is_recorded_to_build_are_built() {
        assert_eq!(
            evaluate("[1..873782] ~> $count()", json!(null)),
            Ok(json!(873_782))
        );
        let doubling =
            "($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $length($p('x', 22)))";
        assert_eq!(evaluate(doubling, json!(null)), Ok(json!(4_194_304)));
        assert_eq!(evaluate("$count(null)", json!(null)), Ok(json!(1)));
    }
}
