//! A call on the first line, an input below.
#![no_main]

use drivetrain_statemachine::intrinsics::Call;
use drivetrain_statemachine::scope::{Host, Random, Scope};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|text: &str| {
    let (call, input) = text.split_once('\n').unwrap_or((text, "null"));
    let input: Value = serde_json::from_str(input).unwrap_or_default();
    let variables = Map::from_iter([("v".to_owned(), input.clone())]);
    let scope = Scope {
        input: &input,
        context: &input,
        variables: &variables,
    };
    let mut host = Host {
        now: chrono::DateTime::UNIX_EPOCH,
        random: Random::from_seed(1),
    };
    if let Ok(call) = Call::parse(call)
        && let Ok(value) = call.evaluate(&scope, &mut host)
    {
        let text = value.to_string();
        assert!(
            serde_json::from_str::<Value>(&text).is_ok(),
            "a result can be written and read back"
        );
    }
});
