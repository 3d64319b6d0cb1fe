//! An expression on the first line, an input below.
#![no_main]

mod evaluator;

use drivetrain_statemachine::jsonata::{Expression, JsonataScope};
use drivetrain_statemachine::scope::{Host, Random};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

fuzz_target!(|text: &str| {
    evaluator::let_its_panics_pass();
    let (expression, input) = text.split_once('\n').unwrap_or((text, "null"));
    let input: Value = serde_json::from_str(input).unwrap_or_default();
    let variables = Map::from_iter([("v".to_owned(), input.clone())]);
    let states = json!({ "input": input });
    let scope = JsonataScope {
        states: &states,
        variables: &variables,
    };
    let mut host = Host {
        now: chrono::DateTime::UNIX_EPOCH,
        random: Random::from_seed(1),
    };
    if let Ok(expression) = Expression::parse(expression)
        && let Ok(value) = expression.evaluate(&scope, &mut host)
    {
        let text = value.to_string();
        assert!(
            serde_json::from_str::<Value>(&text).is_ok(),
            "a result can be written and read back"
        );
    }
});
