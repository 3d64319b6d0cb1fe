//! The texts of failures and errors.

use drivetrain_statemachine::{Engine, EventType, History, Machine};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;
use crate::support::small::{distributed, echo, machine, map, pass as passing, run};

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

#[test]
fn a_result_writer_must_say_where() {
    let pass = json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}});
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": {
        "Type": "Map", "End": true, "ItemProcessor": distributed(pass),
        "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}},
    }}});
    let error = Machine::parse(&definition.to_string()).unwrap_err();
    assert_eq!(
        error.aws_message(),
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: These fields are required: [Arguments] at \
         /States/M/ResultWriter'"
    );
}

/// Runs a machine of one state, or of a state `S` among others, and returns its error and its cause without AWS's
/// prefix.
fn failure(state: Value, input: Value) -> (String, String) {
    let mut state = state;
    if state["Type"] != "Fail" {
        state["End"] = json!(true);
    }
    let machine = machine(&json!({"StartAt": "S", "States": {"S": state}}));
    let outcome = in_virtual_time(Engine::new(echo).run(&machine, input)).unwrap();
    let cause = outcome.cause.unwrap_or_default();
    let prefix = "An error occurred while executing the state 'S' (entered at the event id #2). ";
    (
        outcome.error.unwrap_or_default(),
        cause.strip_prefix(prefix).unwrap_or(&cause).to_owned(),
    )
}

#[test]
fn a_function_that_does_not_apply_fails_at_runtime_and_says_no_more_than_aws() {
    let input = json!({"n": "1", "list": [1]});
    for (call, reason) in [
        (
            "States.MathAdd($.n, 1)",
            "Invalid arguments in States.MathAdd",
        ),
        (
            "States.MathAdd('a', 1)",
            "Invalid arguments in States.MathAdd",
        ),
        (
            "States.ArrayRange(1, 10, 0)",
            "Invalid arguments in States.ArrayRange",
        ),
        (
            "States.StringToJson($.list)",
            "Invalid arguments in States.StringToJson",
        ),
        (
            "States.Format('{} {}', $.n)",
            "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}",
        ),
        (
            "States.Format('{', $.n)",
            "Invalid template in States.Format: matching '}' not found for '{'.",
        ),
        (
            "States.Format('{}', States.ArrayLength($.list[3]))",
            "The JsonPath argument for the field '$.list[3]' could not be found in the input '{\"n\":\"1\",\"list\":[1]}'",
        ),
    ] {
        let state = json!({"Type": "Pass", "Parameters": {"v.$": call}});
        let expected = format!("The function '{call}' had the following error: {reason}");
        assert_eq!(
            failure(state, input.clone()),
            ("States.Runtime".to_owned(), expected)
        );
    }
}

#[test]
fn each_kind_of_wait_words_its_own_failure() {
    let date = "does not reference a valid ISO-8601 extended offset date-time format string";
    let paths = [
        (
            "SecondsPath",
            json!(-1),
            "The SecondsPath parameter references a negative value: $.w == -1".to_owned(),
        ),
        (
            "SecondsPath",
            json!(1.5),
            "The SecondsPath parameter cannot be parsed as a long value: $.w == 1.5".to_owned(),
        ),
        (
            "TimestampPath",
            json!("2016-12-05 21:29:29Z"),
            format!("The TimestampPath parameter {date}: $.w == 2016-12-05 21:29:29Z"),
        ),
        (
            "TimestampPath",
            json!("2016-13-05T21:29:29Z"),
            format!("The TimestampPath parameter {date}: $.w == 2016-13-05T21:29:29Z"),
        ),
    ];
    for (field, value, expected) in paths {
        let state = json!({"Type": "Wait", field: "$.w"});
        assert_eq!(
            failure(state, json!({"w": value})),
            ("States.Runtime".to_owned(), expected)
        );
    }
    let state = json!({"Type": "Wait", "SecondsPath": "$.w"});
    assert_eq!(
        failure(state, json!({})).1,
        "The SecondsPath parameter does not reference an input value: $.w"
    );
    let state =
        json!({"Type": "Wait", "QueryLanguage": "JSONata", "Timestamp": "{% $states.input.w %}"});
    let error = failure(state, json!({"w": "05-12-2016T21:29:29Z"}));
    assert_eq!(error.0, "States.QueryEvaluationError");
    assert_eq!(
        error.1,
        format!("The Timestamp parameter {date}: $states.input.w == 05-12-2016T21:29:29Z")
    );
}

#[test]
fn a_message_with_a_code_is_a_separate_sentence() {
    let cause = |expression: &str| {
        let text = format!("{{% {expression} %}}");
        failure(
            json!({"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"r": text}}),
            json!({}),
        )
        .1
    };
    assert!(cause("$nothing()").ends_with(
        "'Output/r' threw an error during evaluation. T1006: Attempted to invoke a non-function"
    ));
    assert!(
        cause("$pad('x', 100000000)")
            .contains("'Output/r' threw an error during evaluation: The expression exceeded")
    );
}

#[test]
fn a_reference_path_that_does_not_apply_names_the_step_and_the_data() {
    let pass = |fields: Value| {
        let mut state = json!({"Type": "Pass", "Result": 1, "End": true});
        state
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        machine(&json!({"StartAt": "A", "States": {"A": state}}))
    };
    let path = |path: &str| map(json!({"ItemsPath": path}), passing());
    for (machine, input, error, cause) in [
        (
            pass(json!({"ResultPath": "$.sum"})),
            json!([1, 2]),
            "States.ReferencePathConflict",
            "Unable to apply step \"sum\" to input [1,2]",
        ),
        (
            pass(json!({"ResultPath": "$.a.b"})),
            json!({"a": 1}),
            "States.ReferencePathConflict",
            "Unable to apply step \"b\" to input {\"a\":1}",
        ),
        (
            path("$.found.items"),
            json!({"found": {}}),
            "States.ReferencePathConflict",
            "Unable to apply step \"items\" to input {\"found\":{}}",
        ),
        (
            path("$.found.items.all"),
            json!({"found": {}}),
            "States.ReferencePathConflict",
            "Unable to apply step \"items\" to input {\"found\":{}}",
        ),
        (
            path("$.found.items"),
            json!({"found": 1}),
            "States.ReferencePathConflict",
            "Unable to apply step \"found\" to input {\"found\":1}",
        ),
        (
            path("$.found"),
            json!([1]),
            "States.ReferencePathConflict",
            "Unable to apply step \"found\" to input [1]",
        ),
        (
            path("$[3]"),
            json!([1]),
            "States.ReferencePathConflict",
            "Unable to apply step \"No results for path: $[3]\" to input [1]",
        ),
        (
            pass(json!({"ResultPath": "$.sum"})),
            json!("text"),
            "States.ResultPathMatchFailure",
            "An error occurred while executing the state 'A' (entered at the event id #2). Unable to apply \
             ReferencePath $.sum to input \"text\"",
        ),
    ] {
        let outcome = run(&machine, echo, input);
        assert_eq!(outcome.error.as_deref(), Some(error));
        assert_eq!(outcome.cause.as_deref(), Some(cause));
    }
}

#[test]
fn no_path_applies_to_null() {
    let run = |state: Value| {
        let states = json!({"S": state, "E": {"Type": "Succeed"}});
        let machine = machine(&json!({"StartAt": "S", "States": states}));
        run(&machine, echo, Value::Null)
    };
    for state in [
        json!({"Type": "Pass", "Parameters": {"all.$": "$"}, "Next": "E"}),
        json!({"Type": "Pass", "InputPath": "$.a", "Next": "E"}),
        json!({"Type": "Choice", "Choices": [{"Variable": "$", "IsString": true, "Next": "E"}], "Default": "E"}),
    ] {
        let outcome = run(state);
        assert_eq!(outcome.error.as_deref(), Some("States.Runtime"));
        let cause = outcome.cause.unwrap();
        assert!(
            cause.ends_with("#2). Unable to apply Path transformation to null or empty input."),
            "{cause}"
        );
    }
    let untouched = run(json!({"Type": "Pass", "Parameters": {"fixed": 1}, "Next": "E"}));
    assert_eq!(untouched.output, Some(json!({"fixed": 1})));
}

#[test]
fn targets_that_do_not_exist_are_reported_in_aws_s_words_and_order() {
    let choice = r#"{"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": true, "Next": "X"}], "Default": "Y"}"#;
    for (states, refusals) in [
        (
            r#""A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}, "C": {"Type": "Pass", "Next": "A"}"#,
            "MISSING_END_STATE: Workflow has no terminal state at null",
        ),
        (
            r#""A": {"Type": "Pass", "Next": "X"}"#,
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Next, \
             MISSING_END_STATE: Workflow has no terminal state at null",
        ),
        (
            &format!(r#""A": {choice}, "E": {{"Type": "Succeed"}}"#),
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/Choices[0]/Next, \
             MISSING_TRANSITION_TARGET: Missing 'Next' target: Y at /States/A/Default, \
             MISSING_TRANSITION_TARGET: State \"E\" is not reachable. at /States/E",
        ),
        (
            r#""B": {"Type": "Pass", "Next": "E"}, "E": {"Type": "Succeed"}"#,
            "MISSING_TRANSITION_TARGET: Missing 'Next' target: A at /StartAt, \
             MISSING_TRANSITION_TARGET: State \"B\" is not reachable. at /States/B",
        ),
    ] {
        let text = format!("{{\"StartAt\": \"A\", \"States\": {{{states}}}}}");
        let error = Machine::parse(&text).unwrap_err();
        assert_eq!(
            error.aws_message(),
            format!("Invalid State Machine Definition: '{refusals}'")
        );
    }
}
