//! A template and an input, each one JSON value: evaluated in both languages.
#![no_main]

mod evaluator;

use drivetrain_statemachine::jsonata::{self, JsonataScope};
use drivetrain_statemachine::scope::{Host, Random, Scope};
use drivetrain_statemachine::template::Template;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

fuzz_target!(|text: &str| {
    evaluator::let_its_panics_pass();
    let mut values = serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .flatten();
    let template = values.next().unwrap_or_default();
    let input = values.next().unwrap_or_default();
    let variables = Map::from_iter([("v".to_owned(), input.clone())]);
    let mut host = Host {
        now: chrono::DateTime::UNIX_EPOCH,
        random: Random::from_seed(1),
    };
    let scope = Scope {
        input: &input,
        context: &input,
        variables: &variables,
    };
    if let Ok(template) = Template::parse(&template)
        && let Ok(value) = template.evaluate(&scope, &mut host)
    {
        let text = value.to_string();
        assert!(
            serde_json::from_str::<Value>(&text).is_ok(),
            "a payload can be written and read back"
        );
    }
    let states = json!({ "input": input });
    let scope = JsonataScope {
        states: &states,
        variables: &variables,
    };
    if let Ok(template) = jsonata::Template::parse(&template)
        && let Ok(value) = template.evaluate("Output", &scope, &mut host)
    {
        let text = value.to_string();
        assert!(
            serde_json::from_str::<Value>(&text).is_ok(),
            "a payload can be written and read back"
        );
    }
});
