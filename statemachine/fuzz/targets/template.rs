//! A template and an input, each one JSON value: evaluated in both languages, and by a machine, which moves data.
#![no_main]

mod evaluator;

use drivetrain_statemachine::jsonata::{JsonataScope, JsonataTemplate};
use drivetrain_statemachine::scope::{Host, Random, Scope};
use drivetrain_statemachine::template::Template;
use drivetrain_statemachine::{Engine, History, Machine, MachineType, TaskCall, TaskFailure};
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
    if let Ok(parsed) = Template::parse(&template) {
        let value = parsed.evaluate(&scope, &mut host).ok();
        if let Some(value) = &value {
            let text = value.to_string();
            assert!(
                serde_json::from_str::<Value>(&text).is_ok(),
                "a payload can be written and read back"
            );
        }
        // These expressions read values that differ between the two.
        let same = !["$$", "$v", "Random", "UUID"]
            .iter()
            .any(|word| text.contains(word) || template.to_string().contains(word));
        if same && let Some(output) = output_of_a_machine(&template, &input) {
            assert_eq!(output, value, "a machine gives the same");
        }
    }
    let states = json!({ "input": input });
    let scope = JsonataScope {
        states: &states,
        variables: &variables,
    };
    if let Ok(template) = JsonataTemplate::parse(&template)
        && let Ok(value) = template.evaluate("Output", &scope, &mut host)
    {
        let text = value.to_string();
        assert!(
            serde_json::from_str::<Value>(&text).is_ok(),
            "a payload can be written and read back"
        );
    }
});

/// Runs a machine of one Pass state with the template; `None` if it cannot be compared.
fn output_of_a_machine(template: &Value, input: &Value) -> Option<Option<Value>> {
    let definition = json!({"StartAt": "P", "States": {
        "P": {"Type": "Pass", "Parameters": template, "End": true},
    }});
    let machine = Machine::from_value(definition, MachineType::Standard).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO can always be built");
    let history = History::default();
    let engine = Engine::new(|call: TaskCall| async move {
        Err::<Value, _>(TaskFailure::new("NoTask", call.state))
    })
    .history(history.clone());
    let outcome = runtime.block_on(engine.run(&machine, input.clone())).ok()?;
    if let (Some(output), Some(last)) = (&outcome.output, history.events().pop()) {
        let shown = last.details.output.map(|text| text.to_string());
        assert_eq!(shown, Some(output.to_string()), "the history shows it");
    }
    // A machine carries less than a template may build.
    (outcome.error.as_deref() != Some("States.DataLimitExceeded")).then_some(outcome.output)
}
