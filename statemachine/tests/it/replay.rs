//! A replay of an execution ends as the execution did, even if its tasks took random times and failed at random.

use std::collections::BTreeMap;
use std::time::Duration;

use drivetrain_statemachine::mocks::{MockFile, MockHandler, ReplayHandler};
use drivetrain_statemachine::{Engine, Event, History, Machine, Outcome, TaskCall, TaskFailure};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;
use crate::support::small::{INTEGRATION, distributed, machine};

/// Returns a number below a bound that follows from a seed and a call's description.
fn drawn(seed: u64, about: &str, bound: u64) -> u64 {
    let mut hash = seed ^ 0x9E37_79B9_7F4A_7C15;
    for byte in about.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        hash ^= hash >> 29;
    }
    (hash >> 7) % bound
}

/// A handler that works up to four seconds, fails one time in three, and answers with its input and a number.
async fn at_random(seed: u64, call: TaskCall) -> Result<Value, TaskFailure> {
    let about = format!("{} {} {}", call.state, call.input, call.retry_count);
    let milliseconds = 100 + drawn(seed, &about, 4_000);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    if drawn(seed + 1, &about, 3) == 0 && call.retry_count < 2 {
        return Err(TaskFailure::new("Busy", about));
    }
    Ok(json!({"of": call.input, "by": format!("{}{milliseconds}", call.state)}))
}

fn task(retry: Value, next: Value) -> Value {
    let mut state =
        json!({"Type": "Task", "Resource": INTEGRATION, "TimeoutSeconds": 3_000, "Retry": [retry]});
    state
        .as_object_mut()
        .unwrap()
        .extend(next.as_object().unwrap().clone());
    state
}

/// Two rounds of a Map whose items have a task, a wait and an inner Map.
fn rounds(concurrency: u32, is_distributed: bool) -> Machine {
    let busy = |seconds: u32| json!({"ErrorEquals": ["Busy"], "IntervalSeconds": seconds, "BackoffRate": 1.5});
    let inner = json!({"StartAt": "B", "States": {
        "B": task(busy(1), json!({"Next": "C"})),
        "C": task(busy(3), json!({"End": true})),
    }});
    let outer = json!({"StartAt": "A", "States": {
        "A": task(busy(2), json!({"ResultPath": "$.a", "Next": "W"})),
        "W": {"Type": "Wait", "Seconds": 1, "Next": "In"},
        "In": {"Type": "Map", "ItemsPath": "$.inner", "MaxConcurrency": concurrency, "ItemProcessor": inner, "End": true,
            "ItemSelector": {"n.$": "$$.Map.Item.Value", "of.$": "$.a.by"}},
    }});
    let outer = if is_distributed {
        distributed(outer)
    } else {
        outer
    };
    machine(&json!({"StartAt": "M", "States": {
        "M": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": concurrency, "ItemProcessor": outer,
            "ItemSelector": {"item.$": "$$.Map.Item.Value", "inner": [1, 2, 3], "round.$": "$.round"},
            "ResultPath": "$.results", "Next": "Count"},
        "Count": {"Type": "Pass", "Parameters": {"round.$": "States.MathAdd($.round, 1)", "items.$": "$.items",
            "results.$": "States.Array($.results, $.before)", "before.$": "$.results"}, "Next": "Again"},
        "Again": {"Type": "Choice", "Choices": [{"Variable": "$.round", "NumericLessThan": 2, "Next": "M"}], "Default": "Done"},
        "Done": {"Type": "Succeed"},
    }}))
}

fn input() -> Value {
    json!({"items": ["p", "q", "r", "s", "t"], "round": 0, "before": []})
}

/// Runs a machine with random tasks, and replays it from its history.
fn both(machine: &Machine, seed: u64) -> (Outcome, Outcome) {
    let history = History::default();
    let engine = Engine::new(move |call| at_random(seed, call)).history(history.clone());
    let recorded = in_virtual_time(engine.run(machine, input())).unwrap();
    let (own, children): (Vec<Event>, Vec<Event>) = {
        let events = history.events();
        let own = events[0].execution.clone();
        events.into_iter().partition(|event| event.execution == own)
    };
    let mut histories = vec![serde_json::to_value(own).unwrap()];
    for events in by_execution(children) {
        histories.push(serde_json::to_value(events).unwrap());
    }
    let replay = ReplayHandler::new(&histories).unwrap();
    let engine = Engine::new(replay.clone());
    let replayed = in_virtual_time(async {
        tokio::select! {
            biased;
            state = replay.diverged() => panic!("{state}"),
            outcome = engine.run(machine, input()) => outcome.unwrap(),
        }
    });
    assert_eq!(replayed.output, recorded.output, "seed {seed}");
    let file = replay.mock_file("Any", "Recorded");
    let mocks = MockFile::parse(&file.to_string()).unwrap();
    let handler = MockHandler::new(mocks.case("Any", "Recorded").unwrap());
    let engine = Engine::new(handler.clone());
    let mocked = in_virtual_time(async {
        tokio::select! {
            biased;
            missing = handler.missing() => panic!("{missing}"),
            outcome = engine.run(machine, input()) => outcome.unwrap(),
        }
    });
    (recorded, mocked)
}

fn by_execution(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut executions: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for event in events {
        let execution = event.execution.to_string();
        executions.entry(execution).or_default().push(event);
    }
    executions.into_values().collect()
}

#[test]
fn concurrent_iterations_replay_to_the_same_end() {
    for concurrency in [1, 0, 2, 3] {
        for distributed in [false, true] {
            let machine = rounds(concurrency, distributed);
            for seed in 0..15 {
                let (recorded, mocked) = both(&machine, seed);
                assert!(recorded.output.is_some(), "{recorded:?}");
                assert_eq!(mocked.output, recorded.output, "seed {seed}");
            }
        }
    }
}
