//! What failures and refusals say.

use drivetrain_statemachine::{Engine, EventType, History, Machine};
use serde_json::json;

use crate::corpus::in_virtual_time;
use crate::small::{echo, machine};

#[test]
fn a_rule_s_own_fields_are_named_under_the_rule() {
    let machine = machine(
        &json!({"QueryLanguage": "JSONata", "StartAt": "C", "States": {
            "C": {"Type": "Choice", "Choices": [
                {"Condition": "{% false %}", "Next": "E"},
                {"Condition": "{% true %}", "Output": {"v": "{% $states.input.absent %}"}, "Next": "E"},
            ]},
            "E": {"Type": "Succeed"},
        }}),
    );
    let history = History::default();
    let engine = Engine::new(echo).history(history.clone());
    let outcome = in_virtual_time(engine.run(&machine, json!({}))).unwrap();
    assert_eq!(
        outcome.error.as_deref(),
        Some("States.QueryEvaluationError")
    );
    let events = history.events();
    let failed = events
        .iter()
        .find(|event| event.event_type == EventType::EvaluationFailed);
    assert_eq!(
        failed.unwrap().details.location.as_deref(),
        Some("Choices[1]/Output/v")
    );
}

#[test]
fn a_field_of_the_other_language_is_refused_as_such() {
    let definition =
        json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Output": 1, "End": true}}});
    let error = Machine::parse(&definition.to_string()).unwrap_err();
    assert_eq!(
        error.aws_message(),
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The QueryLanguage is set to 'JSONPath', but \
         field 'Output' is only supported for the 'JSONata' QueryLanguage at /States/A'"
    );
}
