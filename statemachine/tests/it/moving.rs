//! A state that moves its data gives the same output as one that copies it.

use drivetrain_statemachine::{
    Engine, EventType, History, TestStateRequest, TestStateStatus, test_state,
};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;
use crate::support::small::{machine, refuse};

/// Runs a Pass state as a machine, which moves data, and as the test of a state, which copies it.
fn both_ways(
    fields: &Value,
    input: &Value,
) -> [(Option<String>, Option<String>, Option<String>); 2] {
    let mut state = json!({"Type": "Pass", "End": true});
    let object = state.as_object_mut().unwrap();
    object.extend(fields.as_object().unwrap().clone());
    let history = History::default();
    let engine = Engine::new(refuse).history(history.clone());
    // A state that is tested alone has this name in its context object.
    let machine = machine(&json!({"StartAt": "StateName", "States": {"StateName": state}}));
    let outcome = in_virtual_time(engine.run(&machine, input.clone())).unwrap();
    let events = history.events();
    let shown = events
        .iter()
        .rev()
        .find_map(|event| event.details.output.clone());
    let written = outcome.output.as_ref().map(Value::to_string);
    assert_eq!(shown.map(|text| text.to_string()), written, "{fields}");
    let request = TestStateRequest {
        definition: state.to_string(),
        input: Some(input.to_string()),
        ..TestStateRequest::default()
    };
    let tested = in_virtual_time(test_state(&engine, &request)).unwrap();
    let prefix =
        "An error occurred while executing the state 'StateName' (entered at the event id #2). ";
    let cause = outcome.cause.map(|cause| cause.replacen(prefix, "", 1));
    assert_eq!(
        outcome.error.is_none(),
        tested.status == TestStateStatus::Succeeded
    );
    [
        (
            outcome.output.map(|output| output.to_string()),
            outcome.error,
            cause,
        ),
        (tested.output, tested.error, tested.cause),
    ]
}

#[test]
fn a_pass_state_gives_the_same_whether_it_moves_or_copies() {
    let deep = |depth: usize| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    let inputs = [
        json!({"a": {"b": [1, {"c": "x\"y"}], "d": null}, "n": 7, "s": "text"}),
        json!({"a": {"b": [[1], [2], [3]]}, "n": 1.5, "m": {"old": true}}),
        json!({"a": [0, 1, 2], "m": [1]}),
        json!([{"a": 1}, 2]),
        json!(null),
        json!("text"),
        json!({"a": {"b": deep(120), "d": "x".repeat(200_000)}, "n": 1}),
    ];
    let parameters = [
        json!({"whole.$": "$"}),
        json!({"whole.$": "$", "again.$": "$", "part.$": "$.a"}),
        json!({"a.$": "$.a", "part.$": "$.a.b", "last.$": "$.a.b[-1]", "first.$": "$.a.b[0]"}),
        json!({"part.$": "$['a']['b']", "a.$": "$.a"}),
        json!({"one.$": "$.a.b[1]", "two.$": "$.a.b[-2]", "past.$": "$.a.b[9]"}),
        json!({"n.$": "States.Format('{} {}', $.n, $.a)", "moved.$": "$.a", "all.$": "$..b", "n2.$": "$.n"}),
        json!({"list": [{"x.$": "$.n"}, 5, {"y.$": "$.a.d", "fixed": {"deep": [1, 2]}}], "z": {"y.$": "$.s"}}),
        json!({"before.$": "$.a", "missing.$": "$.nothing"}),
        json!({"constant.$": "States.ArrayRange(1, 5, 2)", "fails.$": "States.ArrayRange(1, 5, 0)", "a.$": "$.a"}),
        json!({"b\"1.$": "$.n", "c": {"\\": "\n\"", "d.$": "$.s"}, "e": [], "f": {}, "g": [[], {"h.$": "$.n"}, {}, -1.5]}),
        json!({"deep": deep(60), "deeper": [[{"x": deep(50), "y.$": "$.a"}]]}),
        json!({"name.$": "$$.State.Name", "a.$": "$.a", "deeper": [[[[[[[[[[{"a.$": "$.a"}]]]]]]]]]]}),
    ];
    let mut failed = 0;
    for input in &inputs {
        for result_path in ["$", "$.m", "$.m.old", "$.a[1]", "$.new.place"] {
            let results = [json!({"seen": [true]}), json!(null)]
                .map(|result| json!({"Result": result, "ResultPath": result_path}));
            let computed = parameters
                .iter()
                .map(|parameters| json!({"Parameters": parameters, "ResultPath": result_path}));
            for fields in computed.chain(results) {
                let [moved, copied] = both_ways(&fields, input);
                failed += usize::from(moved.1.is_some());
                assert_eq!(moved, copied, "{fields}");
            }
        }
    }
    assert!(failed > 20, "few of these are to fail, but {failed} do");
}

#[test]
fn failures_read_the_same_whether_data_is_moved_or_copied() {
    let input = json!({"a": {"b": 1}, "n": 7});
    for fields in [
        json!({"Parameters": {"a.$": "$.a", "b.$": "$.a.b.c"}}),
        json!({"Parameters": {"a.$": "$.a", "b.$": "States.MathAdd($.a, 1)"}}),
        json!({"Parameters": {"a.$": "$.a"}, "ResultPath": "$.n.below"}),
        json!({"Result": 1, "ResultPath": "$.a[0]"}),
    ] {
        let [moved, copied] = both_ways(&fields, &input);
        assert!(moved.1.is_some(), "{fields} is to fail");
        assert_eq!(moved, copied, "{fields}");
    }
}

#[test]
fn events_keep_what_was_moved_afterwards() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Parameters": {"kept.$": "$.data"}, "Next": "B"},
        "B": {"Type": "Pass", "Result": 1, "ResultPath": "$.kept.more", "End": true},
    }});
    let history = History::default();
    let engine = Engine::new(refuse).history(history.clone());
    let input = json!({"data": {"x": [1, 2]}, "lost": true});
    in_virtual_time(engine.run(&machine(&definition), input)).unwrap();
    let shown: Vec<String> = history
        .events()
        .into_iter()
        .filter(|event| event.event_type != EventType::ExecutionStarted)
        .filter_map(|event| event.details.input.or(event.details.output))
        .map(|text| text.to_string())
        .collect();
    let (first, kept) = (
        r#"{"data":{"x":[1,2]},"lost":true}"#,
        r#"{"kept":{"x":[1,2]}}"#,
    );
    let last = r#"{"kept":{"x":[1,2],"more":1}}"#;
    assert_eq!(shown, [first, kept, kept, last, last]);
}

/// Runs a Pass state several times: in a loop, and as a chain of separate states, in which no state gets a value that
/// it has built.
///
/// Between two runs, another state inserts a result into the output.
fn looped_and_unrolled(
    parameters: &Value,
    result_path: &str,
    turns: usize,
    input: &Value,
) -> [(Vec<String>, Option<String>, Option<String>); 2] {
    let add = |states: &mut Value, turn: &str, next: &str| {
        states[format!("S{turn}")] =
            json!({"Type": "Pass", "Parameters": parameters, "Next": format!("C{turn}")});
        states[format!("C{turn}")] = json!({"Type": "Choice", "Default": "End", "Choices": [{"And": [
            {"Variable": "$.turn", "IsPresent": true}, {"Variable": "$.turn", "NumericLessThan": turns},
        ], "Next": format!("P{turn}")}]});
        states[format!("P{turn}")] = json!({"Type": "Pass", "Result": {"seen": [1]}, "ResultPath": result_path, "Next": next});
    };
    let mut looped = json!({"StartAt": "S", "States": {"End": {"Type": "Succeed"}}});
    let mut unrolled = looped.clone();
    add(&mut looped["States"], "", "S");
    add(&mut unrolled["States"], "", "S2");
    for turn in 2..=turns {
        let next = if turn == turns {
            "End".to_owned()
        } else {
            format!("S{}", turn + 1)
        };
        add(&mut unrolled["States"], &turn.to_string(), &next);
    }
    [looped, unrolled].map(|definition| {
        let history = History::default();
        let engine = Engine::new(refuse).history(history.clone()).seed(7);
        let outcome = in_virtual_time(engine.run(&machine(&definition), input.clone())).unwrap();
        let events = history.events();
        let left = events
            .iter()
            .filter(|event| event.event_type == EventType::PassStateExited);
        let shown = left.filter_map(|event| event.details.output.clone());
        let cause = outcome.cause.map(|cause| {
            let ends = ["2'", "3'", "4'"];
            ends.iter()
                .fold(cause, |cause, end| cause.replace(end, "'"))
        });
        let written = outcome.output.as_ref().map(Value::to_string);
        (shown.map(|text| text.to_string()).collect(), written, cause)
    })
}

#[test]
fn a_loop_that_builds_in_place_gives_the_same_as_one_that_copies() {
    let input = json!({
        "turn": 0, "mark": {"seen": 0}, "a": {"b": [1, {"c": "x\"y"}, "z"], "d": null}, "s": "text", "list": [1, [2], {"x": 3}], "v": {"fixed": 0, "n": 1},
    });
    let mut ended_well = 0;
    for fields in [
        json!({}),
        json!({"fixed": {"deep": [1, {"x": "y"}]}, "parts.$": "States.ArrayRange(1, 5, 2)"}),
        json!({"a.$": "$.a", "s.$": "States.Format('{}-{}', $.s, $.turn)"}),
        json!({"s.$": "$.a", "a.$": "$.s"}),
        json!({"a.$": "$.a.b", "s.$": "$.s"}),
        json!({"list": [7, {"x.$": "$.list[0]"}, [{"y.$": "$.turn"}], "z"], "s.$": "$.list[3]"}),
        json!({"list": ["z", {"x.$": "$.list"}]}),
        json!({"list": ["z", {"x.$": "$.list[-1]"}]}),
        json!({"v": {"fixed": [1, 2], "n.$": "States.MathAdd($.v.n, 1)", "old.$": "$.v.fixed"}}),
        json!({"v": {"fixed": [1, 2], "n.$": "States.MathAdd($.v.n, 1)"}, "w.$": "$.v"}),
        json!({"v": {"fixed": [1, 2], "n.$": "$.v.n"}, "past.$": "$.list[9]", "list.$": "$.list"}),
        json!({"all.$": "$", "fixed": true}),
        json!({"all.$": "$..x", "list": [{"x.$": "$.turn"}]}),
        json!({"same.$": "$.s", "s.$": "$.s", "again": {"s.$": "$.s"}}),
        json!({"random.$": "States.MathRandom(1, 1000)", "list.$": "$.list", "fixed": []}),
        json!({"gone.$": "$.a.b", "fixed": 1}),
        json!({"fixed": [1], "mark.$": "$.mark"}),
        json!({"fixed": [1], "seen.$": "$.mark.seen", "past.$": "$.mark.seen[1]"}),
        json!({"fixed": [1], "seen.$": "States.JsonToString($.mark)"}),
        json!({"fixed": [1], "all.$": "$..seen"}),
        json!({"fails.$": "States.MathAdd($.fixed, $.list[0])", "fixed": 1, "list.$": "$.fails"}),
        json!({"name.$": "$$.Execution.Input.s", "fixed": {"a": 1}}),
    ] {
        let mut parameters = json!({"turn.$": "States.MathAdd($.turn, 1)"});
        let object = parameters.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        for result_path in ["$.mark", "$.s", "$.fixed", "$.mark.below", "$.list[0]"] {
            for turns in 2..=4 {
                let [looped, unrolled] =
                    looped_and_unrolled(&parameters, result_path, turns, &input);
                ended_well += usize::from(looped.1.is_some());
                assert_eq!(looped, unrolled, "{fields} {result_path} {turns}");
            }
        }
    }
    assert!(ended_well > 120, "only {ended_well} end well");
}
