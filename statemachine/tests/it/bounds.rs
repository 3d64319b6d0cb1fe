//! The limits that no definition, input or answer may exceed.

use drivetrain_statemachine::{
    Engine, Machine, MachineType, Status, TaskCall, TaskFailure, validate,
};
use serde_json::json;

use crate::support::corpus::in_virtual_time;
use crate::support::small::{INTEGRATION, echo, machine, one_task};

#[test]
fn a_result_over_the_limit_fails_the_task() {
    let engine =
        Engine::new(|_: TaskCall| async { Ok::<_, TaskFailure>(json!("x".repeat(262_143))) });
    let outcome =
        in_virtual_time(engine.run(&one_task(INTEGRATION, json!({})), json!({}))).unwrap();
    assert_eq!(outcome.error.as_deref(), Some("States.DataLimitExceeded"));
    let input = json!("x".repeat(262_143));
    let refused = engine
        .start(&one_task(INTEGRATION, json!({})), input)
        .err()
        .unwrap();
    assert_eq!(
        refused.kind(),
        drivetrain_statemachine::ErrorKind::InvalidInput
    );
}

#[test]
fn a_value_that_nests_ever_deeper_fails_the_state() {
    let machine = machine(&json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Parameters": {"in.$": "$"}, "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": true, "Next": "E"}], "Default": "A"},
        "E": {"Type": "Succeed"},
    }}));
    let outcome = in_virtual_time(Engine::new(echo).run(&machine, json!({}))).unwrap();
    assert_eq!(
        (outcome.status, outcome.error.as_deref()),
        (Status::Failed, Some("States.Runtime"))
    );
    assert!(outcome.events < 600, "{}", outcome.events);
}

#[test]
fn states_may_nest_as_deep_as_json_may() {
    let mut flow = json!({"StartAt": "L", "States": {"L": {"Type": "Pass", "End": true}}});
    let mut depth = 0;
    // Each level takes four of the 128 that JSON may nest.
    while depth < 30 {
        depth += 1;
        let (map, parallel) = (format!("M{depth}"), format!("P{depth}"));
        flow = if depth % 2 == 0 {
            json!({"StartAt": map, "States": {map: {"Type": "Map", "ItemProcessor": flow, "End": true}}})
        } else {
            json!({"StartAt": parallel, "States": {parallel: {"Type": "Parallel", "Branches": [flow], "ResultSelector": {"r.$": "$[0]"},
                "OutputPath": "$.r", "End": true}}})
        };
    }
    let mut input = json!(1);
    for _ in 0..15 {
        input = json!([input]);
    }
    let outcome = in_virtual_time(Engine::new(echo).run(&machine(&flow), input.clone())).unwrap();
    assert_eq!(outcome.output, Some(input));
}

#[test]
fn hostile_definitions_and_inputs_end_in_an_error() {
    let path = |steps: usize| format!("${}", ".a".repeat(steps));
    let definition = |path: &str| {
        json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "ResultPath": path, "End": true}}})
            .to_string()
    };
    for steps in [100, 127, 128, 1_000, 100_000] {
        // It is rejected when it is created, or fails when it runs; the stack never overflows.
        if let Ok(machine) = Machine::parse(&definition(&path(steps))) {
            let outcome = in_virtual_time(Engine::new(echo).run(&machine, json!({}))).unwrap();
            assert_eq!(outcome.status == Status::Succeeded, steps < 127, "{steps}");
        }
    }
    let fields: Vec<String> = (0..40_000).map(|n| format!("\"f{n}\": {n}")).collect();
    let name = "n".repeat(200_000);
    for text in [
        format!(
            "{{\"StartAt\": \"{name}\", \"States\": {{\"{name}\": {{\"Type\": \"Pass\", {}}}}}}}",
            fields.join(",")
        ),
        "[".repeat(100_000),
        format!("{}1{}", "{\"a\":".repeat(200), "}".repeat(200)),
        "\u{0}".to_owned(),
    ] {
        assert!(Machine::parse(&text).is_err());
    }
    let long = json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Comment": "x".repeat(2_000_000), "End": true}}});
    assert!(Machine::parse(&long.to_string()).is_err());
}

#[test]
fn problems_below_a_long_key_are_bounded() {
    let long = "k".repeat(400_000);
    for (language, parameters, wrong) in [
        ("JSONPath", "Parameters", "\"x.$\": 1"),
        ("JSONPath", "Parameters", "\"x\": \"$.a\""),
        ("JSONPath", "Assign", "\"x.$\": \"States.No()\""),
        ("JSONata", "Output", "\"x\": \"{% ( %}\""),
    ] {
        let places = vec![format!("{{{wrong}}}"); 20_000].join(",");
        let text = format!(
            "{{\"QueryLanguage\": \"{language}\", \"StartAt\": \"A\", \"States\": {{\"A\": \
             {{\"Type\": \"Pass\", \"End\": true, \"{parameters}\": {{\"{long}\": [{places}]}}}}}}}}"
        );
        let found = validate(&text, MachineType::Standard);
        let bytes: usize = found
            .iter()
            .filter_map(|one| one.location.as_ref())
            .map(String::len)
            .sum();
        assert!(!found.is_empty(), "{wrong}");
        assert!(bytes < 10_000_000, "{wrong}: {bytes} bytes");
    }
}

#[test]
fn a_task_s_deep_answer_fails_the_state_and_nothing_else() {
    let engine = Engine::new(|_: TaskCall| async {
        let mut answer = json!(1);
        for _ in 0..1_000 {
            answer = json!([answer]);
        }
        Ok::<_, TaskFailure>(answer)
    });
    let machine = one_task(INTEGRATION, json!({"ResultPath": "$.deep"}));
    let outcome = in_virtual_time(engine.run(&machine, json!({}))).unwrap();
    assert_eq!(outcome.error.as_deref(), Some("States.Runtime"));
}

#[test]
fn variables_are_bounded() {
    let machine = machine(
        &json!({"QueryLanguage": "JSONata", "StartAt": "A", "States": {
            "A": {"Type": "Pass", "Assign": {"v": "{% $exists($v) ? [$v, $v] : 'x' %}"}, "Next": "C"},
            "C": {"Type": "Choice", "Choices": [{"Condition": "{% $exists($states.input.end) %}", "Next": "E"}], "Default": "A"},
            "E": {"Type": "Succeed"},
        }}),
    );
    let outcome = in_virtual_time(Engine::new(echo).run(&machine, json!({}))).unwrap();
    assert_eq!(outcome.error.as_deref(), Some("States.DataLimitExceeded"));
}
