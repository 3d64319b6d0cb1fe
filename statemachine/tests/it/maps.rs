//! Map states: concurrency, thresholds and batches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use drivetrain_statemachine::{
    Engine, History, Machine, Status, TaskCall, TaskFailure, TaskHandler,
};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;
use crate::support::small::{distributed, map, pass, refuse, run};

fn task() -> Value {
    json!({"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true}}})
}

/// A handler that takes a second per call, counts concurrent calls, and fails for negative items.
#[derive(Default)]
struct Busy {
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Busy {
    fn handler(self: &Arc<Self>) -> impl TaskHandler + 'static {
        let busy = self.clone();
        move |call: TaskCall| {
            let busy = busy.clone();
            async move {
                let running = busy.running.fetch_add(1, Ordering::SeqCst) + 1;
                busy.most.fetch_max(running, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                busy.running.fetch_sub(1, Ordering::SeqCst);
                if call.input.as_i64().unwrap_or_default() < 0 {
                    return Err(TaskFailure::new("Negative", call.input.to_string()));
                }
                Ok(call.input)
            }
        }
    }
}

#[test]
fn no_more_iterations_run_at_once_than_allowed() {
    let items: Vec<i64> = (0..100).collect();
    for (processor, limit, most) in [
        (task(), 7, 7),
        (task(), 0, 40),
        (distributed(task()), 7, 7),
        (distributed(task()), 0, 100),
    ] {
        let busy = Arc::new(Busy::default());
        let machine = map(json!({"MaxConcurrency": limit}), processor);
        let outcome = run(&machine, busy.handler(), json!(items));
        assert_eq!(
            outcome.output,
            Some(json!(items)),
            "results keep the order of the items"
        );
        assert_eq!(busy.most.load(Ordering::SeqCst), most);
    }
}

#[test]
fn a_map_run_tolerates_as_many_failures_as_it_says() {
    let cases = [
        (json!({}), Status::Failed),
        (json!({"ToleratedFailureCount": 1}), Status::Failed),
        (json!({"ToleratedFailureCount": 2}), Status::Succeeded),
        (json!({"ToleratedFailurePercentage": 39}), Status::Failed),
        (json!({"ToleratedFailurePercentage": 40}), Status::Succeeded),
    ];
    for (fields, status) in cases {
        let machine = map(fields.clone(), distributed(task()));
        let outcome = run(
            &machine,
            Arc::new(Busy::default()).handler(),
            json!([1, -2, 3, -4, 5]),
        );
        assert_eq!(outcome.status, status, "{fields}");
        match status {
            Status::Succeeded => assert_eq!(outcome.output, Some(json!([1, 3, 5]))),
            _ => assert_eq!(
                outcome.error.as_deref(),
                Some("States.ExceedToleratedFailureThreshold")
            ),
        }
    }
}

#[test]
fn an_inline_map_fails_with_its_first_failure() {
    let machine = map(json!({}), task());
    let outcome = run(
        &machine,
        Arc::new(Busy::default()).handler(),
        json!([1, -2, 3]),
    );
    assert_eq!(
        (outcome.error.as_deref(), outcome.cause.as_deref()),
        (Some("Negative"), Some("-2"))
    );
}

#[test]
fn iterations_see_their_item_and_the_variables_around_them() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"unit": "EUR"}, "Next": "M"},
        "M": {"Type": "Map", "ItemsPath": "$.prices", "End": true,
              "ItemSelector": {"n.$": "$$.Map.Item.Index", "price.$": "$$.Map.Item.Value", "of.$": "$.shop"},
              "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true, "Parameters": {
                  "text.$": "States.Format('{}: {} {} ({}, {})', $.of, $.price, $unit, $.n, $$.Map.Item.Value)"}}}}},
    }});
    let machine = Machine::parse(&definition.to_string()).unwrap();
    let outcome = run(&machine, refuse, json!({"shop": "s", "prices": [5, 7]}));
    assert_eq!(
        outcome.output,
        Some(json!([{"text": "s: 5 EUR (0, 5)"}, {"text": "s: 7 EUR (1, 7)"}]))
    );
}

#[test]
fn an_object_s_fields_can_be_the_items_in_jsonata() {
    let machine = Machine::parse(
        &json!({"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
            "Items": "{% $states.input %}",
            "ItemSelector": "{% $states.context.Map.Item.Key & $states.context.Map.Item.Value %}",
            "ItemProcessor": pass()}}})
        .to_string(),
    )
    .unwrap();
    assert_eq!(
        run(&machine, refuse, json!({"a": 1, "b": 2})).output,
        Some(json!(["a1", "b2"]))
    );
}

#[test]
fn child_executions_have_histories_of_their_own() {
    let history = History::default();
    let engine = Engine::new(refuse)
        .history(history.clone())
        .machine_name("Shop");
    let machine = map(json!({"Label": "Each"}), distributed(pass()));
    in_virtual_time(engine.run(&machine, json!([1, 2]))).unwrap();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for event in history.events() {
        *counts.entry(event.execution.to_string()).or_default() += 1;
    }
    let children = counts
        .keys()
        .filter(|arn| arn.contains(":execution:Shop/Each:"))
        .count();
    assert_eq!((counts.len(), children), (3, 2));
}

#[test]
fn batches_hold_as_many_items_as_they_may() {
    let batched = |batcher: Value| {
        let machine = map(json!({"ItemBatcher": batcher}), distributed(pass()));
        run(&machine, refuse, json!([1, 22, 333, 4444, 55555]))
            .output
            .unwrap()
    };
    assert_eq!(
        batched(json!({"MaxItemsPerBatch": 2, "BatchInput": {"a": 1}})),
        json!([
            {"BatchInput": {"a": 1}, "Items": [1, 22]},
            {"BatchInput": {"a": 1}, "Items": [333, 4444]},
            {"BatchInput": {"a": 1}, "Items": [55555]},
        ])
    );
    for batch in batched(json!({"MaxInputBytesPerBatch": 21}))
        .as_array()
        .unwrap()
    {
        assert!(batch.to_string().len() <= 21, "{batch}");
    }
}

#[test]
fn ten_thousand_items_keep_their_order() {
    let items: Vec<usize> = (0..10_000).collect();
    let machine = map(
        json!({"ItemSelector": {"v.$": "$$.Map.Item.Value"}}),
        pass(),
    );
    let engine = Engine::new(refuse).max_events(None);
    let outcome = in_virtual_time(engine.run(&machine, json!(items))).unwrap();
    let output = outcome.output.unwrap();
    assert_eq!(output.as_array().unwrap().len(), 10_000);
    assert_eq!(output[9_999], json!({"v": 9_999}));
}

#[test]
fn the_tolerance_is_evaluated_after_the_state_has_started() {
    let negative = "ToleratedFailureCount cannot be negative.";
    let cases = [
        (json!(-1), negative),
        (json!("-1"), negative),
        (json!("many"), "which is not a valid integer: $.n"),
    ];
    for (n, expected) in cases {
        let history = History::default();
        let machine = map(
            json!({"ItemsPath": "$.items", "ToleratedFailureCountPath": "$.n"}),
            distributed(pass()),
        );
        let engine = Engine::new(refuse).history(history.clone());
        let input = json!({"items": [1], "n": n});
        let outcome = in_virtual_time(engine.run(&machine, input)).unwrap();
        assert!(
            outcome.cause.as_ref().unwrap().contains(expected),
            "{outcome:?}"
        );
        let events = history.events();
        let shape: Vec<(&str, u64)> = events
            .iter()
            .map(|event| (event.event_type.as_str(), event.previous_event_id))
            .collect();
        assert_eq!(shape[2..], [("MapStateStarted", 2), ("ExecutionFailed", 2)]);
    }
}

#[test]
fn ten_thousand_items_do_not_need_ten_thousand_copies_of_the_input() {
    let items: Vec<Value> = (0..10_000).map(|n| json!({"n": n, "m": [n]})).collect();
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": {
        "Type": "Map", "End": true, "ItemProcessor": pass(),
        "Items": "{% $states.input.items %}",
        "ItemSelector": {"n": "{% $states.context.Map.Item.Value.n %}"},
    }}});
    let machine = Machine::parse(&definition.to_string()).unwrap();
    let engine = Engine::new(refuse).max_events(None);
    let outcome = in_virtual_time(engine.run(&machine, json!({"items": items}))).unwrap();
    assert_eq!(outcome.output.unwrap()[9_999], json!({"n": 9_999}));
}
