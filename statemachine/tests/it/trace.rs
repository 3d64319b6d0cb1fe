//! Traces of executions, and their coverage.

use drivetrain_statemachine::trace::{Coverage, Inside, Steps, Trace, Traced, Unreached, VisitEnd};
use drivetrain_statemachine::{
    Engine, Event, HistorySink, Machine, Outcome, Status, TaskCall, TaskFailure,
};
use serde_json::{Value, json};

use crate::support::corpus::{in_virtual_time, rows, text};
use crate::support::recorded_run::{run_with_tasks, run_without_tasks};

/// Fails a call if the input's `fail` names its state, else answers it. If the value in `fail` is a number, only so
/// many calls fail.
async fn answer(call: TaskCall) -> Result<Value, TaskFailure> {
    let failures = call.input["fail"][&call.state].as_u64().unwrap_or(0);
    if u64::from(call.retry_count) < failures {
        return Err(TaskFailure::new("Busy", "no room"));
    }
    Ok(call.input)
}

fn trace(machine: &Value, input: Value) -> Traced {
    let machine = Machine::parse(&machine.to_string()).unwrap();
    let trace = Trace::new().with_data();
    let engine = Engine::new(answer).history(trace.clone()).max_events(None);
    in_virtual_time(async { engine.run(&machine, input).await.unwrap() });
    trace.finish()
}

fn task(name: &str) -> Value {
    json!({"StartAt": name, "States": {name: {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": true
    }}})
}

/// Formats the states of a thread as `name:end`, with inner states in brackets.
fn outline(steps: &Steps) -> String {
    let visits = steps.iter().map(|visit| {
        let inside = match &visit.inside {
            Inside::Nothing => String::new(),
            Inside::Branches(branches) => format!(
                "[{}]",
                branches.iter().map(outline).collect::<Vec<_>>().join(" | ")
            ),
            Inside::Iterations(iterations) => {
                let kept = iterations
                    .kept
                    .iter()
                    .map(|kept| format!("{}: {}", kept.index, outline(&kept.steps)));
                format!("[{}]", kept.collect::<Vec<_>>().join(" | "))
            }
        };
        format!("{}:{:?}{inside}", visit.state, visit.end)
    });
    visits.collect::<Vec<_>>().join(" ")
}

#[test]
fn branches_and_iterations_are_inside_their_state_at_any_depth() {
    let machine = json!({"StartAt": "Both", "States": {
        "Both": {"Type": "Parallel", "Next": "After", "Branches": [
            {"StartAt": "Each", "States": {"Each": {
                "Type": "Map", "ItemsPath": "$.items", "ItemProcessor": task("Inner"), "End": true
            }}},
            {"StartAt": "Rest", "States": {
                "Rest": {"Type": "Wait", "Seconds": 5, "Next": "Outer"},
                "Outer": task("Outer")["States"]["Outer"]
            }}
        ]},
        "After": {"Type": "Pass", "End": true}
    }});
    let traced = trace(&machine, json!({"items": [1, 2]}));
    assert_eq!(
        outline(&traced.steps),
        "Both:Left[Each:Left[0: Inner:Left | 1: Inner:Left] | Rest:Left Outer:Left] After:Left"
    );
    let both = traced.steps.iter().next().unwrap();
    assert_eq!(both.duration().num_seconds(), 5);
    assert_eq!(both.input.as_deref(), Some(r#"{"items":[1,2]}"#));
}

#[test]
fn a_failure_marks_the_failed_state_and_all_states_around_it() {
    let machine = json!({"StartAt": "Both", "States": {"Both": {
        "Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 1, "Next": "Each"}, "Each": {
                "Type": "Map", "ItemProcessor": {"StartAt": "Bad", "States": {"Bad": {
                    "Type": "Pass", "Parameters": {"x.$": "$.missing"}, "End": true
                }}}, "ItemsPath": "$.items", "End": true
            }}},
            {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 5, "End": true}}}
        ]
    }}});
    let traced = trace(&machine, json!({"items": [1]}));
    assert_eq!(
        outline(&traced.steps),
        "Both:Failed[Pause:Left Each:Failed[0: Bad:Failed] | Rest:Stopped]"
    );
    let both = traced.steps.iter().next().unwrap();
    let Inside::Branches(branches) = &both.inside else {
        panic!("it has branches");
    };
    let Inside::Iterations(iterations) = &branches[0].first[1].inside else {
        panic!("it has iterations");
    };
    let bad = &iterations.kept[0].steps.first[0];
    let cause = bad.last_failure().unwrap().cause.as_deref().unwrap();
    assert!(cause.contains("'$.missing'"), "{cause}");
}

#[test]
fn retries_and_catches_are_counted_separately() {
    let mut first = task("First")["States"]["First"].clone();
    first["Retry"] = json!([{"ErrorEquals": ["Busy"], "IntervalSeconds": 10, "BackoffRate": 1.0}]);
    first["Catch"] = json!([{"ErrorEquals": ["Other"], "Next": "Never"},
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Second"}]);
    first["End"] = Value::Null;
    first.as_object_mut().unwrap().shift_remove("End");
    first["Next"] = json!("Second");
    let machine = json!({"StartAt": "First", "States": {
        "First": first,
        "Second": {"Type": "Choice", "Default": "Done", "Choices": [
            {"Variable": "$.error", "IsPresent": true, "Next": "Failed"}
        ]},
        "Never": {"Type": "Pass", "Next": "Done"},
        "Done": {"Type": "Succeed"},
        "Failed": {"Type": "Fail", "Error": "E", "Cause": "c"}
    }});
    let retried = trace(&machine, json!({"fail": {"First": 2}}));
    let first = retried.steps.iter().next().unwrap().clone();
    assert_eq!((first.starts, first.failures), (3, 2));
    assert_eq!(
        (first.end, first.duration().num_seconds()),
        (VisitEnd::Left, 20)
    );
    let caught = trace(&machine, json!({"fail": {"First": 9}}));
    assert_eq!(
        outline(&caught.steps),
        "First:Caught Second:Left Failed:Failed"
    );
    let last = caught.steps.iter().next_back().unwrap();
    assert_eq!(last.last_failure().unwrap().error.as_deref(), Some("E"));

    let parsed = Machine::parse(&machine.to_string()).unwrap();
    let mut coverage = Coverage::of(&parsed);
    coverage.add(retried.facts);
    assert_eq!(coverage.states(), (5, 3));
    coverage.add(caught.facts);
    assert_eq!(
        coverage.unreached(),
        [
            Unreached::Catcher {
                state: "First".to_owned(),
                index: 0,
                errors: vec!["Other".to_owned()]
            },
            Unreached::State("Never".to_owned()),
        ]
    );
}

#[test]
fn an_inner_fail_state_has_its_reason_if_the_machine_is_known() {
    let machine = json!({"StartAt": "Both", "States": {
        "Both": {
            "Type": "Parallel", "Next": "Done",
            "Catch": [{"ErrorEquals": ["Other"], "Next": "Done"}, {"ErrorEquals": ["E"], "Next": "Done"}],
            "Branches": [{"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "E", "Cause": "c"}}}]
        },
        "Done": {"Type": "Succeed"}
    }});
    let machine = Machine::parse(&machine.to_string()).unwrap();
    let trace = Trace::new().of_machine(&machine);
    let engine = Engine::new(answer).history(trace.clone());
    in_virtual_time(async { engine.run(&machine, json!({})).await.unwrap() });
    let traced = trace.finish();
    let both = traced.steps.iter().next().unwrap();
    assert_eq!(both.end, VisitEnd::Caught);
    assert_eq!(both.last_failure().unwrap().cause.as_deref(), Some("c"));
    let mut coverage = Coverage::of(&machine);
    coverage.add(traced.facts);
    let unreached = coverage.unreached();
    assert!(
        matches!(&unreached[..], [Unreached::Catcher { index: 0, .. }]),
        "{unreached:?}"
    );
}

#[test]
fn a_retried_map_shows_its_last_attempt() {
    let machine = json!({"StartAt": "Each", "States": {"Each": {
        "Type": "Map", "ItemsPath": "$.items", "End": true,
        "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 1}],
        "ItemProcessor": task("Inner")
    }}});
    let traced = trace(&machine, json!({"items": [{"fail": {"Inner": 1}}, {}]}));
    let each = traced.steps.iter().next().unwrap();
    assert_eq!(
        (each.starts, each.failures, each.end),
        (2, 2, VisitEnd::Failed)
    );
    assert_eq!(each.last_failure().unwrap().error.as_deref(), Some("Busy"));
    let Inside::Iterations(iterations) = &each.inside else {
        panic!("it has iterations");
    };
    assert_eq!(iterations.failed, 1);
    assert!(
        traced
            .facts
            .retried
            .contains(&("Each".to_owned(), Some("Busy".to_owned())))
    );
}

#[test]
fn a_large_map_and_a_long_loop_are_counted_and_mostly_not_kept() {
    for config in [
        json!({"Mode": "INLINE"}),
        json!({"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}),
    ] {
        let mut processor = task("Inner");
        processor["ProcessorConfig"] = config.clone();
        let machine = json!({"StartAt": "Each", "States": {"Each": {
            "Type": "Map", "ItemsPath": "$.items", "End": true, "ItemProcessor": processor,
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]
        }, "Done": {"Type": "Succeed"}}});
        let items: Vec<u32> = (0..3_000).collect();
        let traced = trace(&machine, json!({"items": items}));
        let each = traced.steps.iter().next().unwrap();
        let Inside::Iterations(iterations) = &each.inside else {
            panic!("it has iterations");
        };
        assert_eq!(iterations.succeeded, 3_000, "{config}");
        assert_eq!(iterations.kept.len(), 10);
        assert_eq!(iterations.states["Inner"].visits, 3_000);
        assert_eq!(each.end, VisitEnd::Left);
    }
    let machine = json!({"QueryLanguage": "JSONata", "StartAt": "Count", "States": {
        "Count": {"Type": "Pass", "Output": {"n": "{% $states.input.n + 1 %}"}, "Next": "More"},
        "More": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.n < 1000 %}", "Next": "Count"}], "Default": "Done"},
        "Done": {"Type": "Succeed"}
    }});
    let traced = trace(&machine, json!({"n": 0}));
    assert_eq!(traced.steps.left_out, 2_001 - 120);
    assert_eq!(traced.steps.iter().next_back().unwrap().state, "Done");
}

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test -p drivetrain-statemachine -- --ignored --nocapture"]
fn every_event_of_the_recorded_cases_finds_its_place() {
    let mut wrong = 0;
    let mut followed = 0;
    for file in ["cases.jsonl", "task_cases.jsonl"] {
        for row in rows(file) {
            let ran = if file == "cases.jsonl" {
                run_without_tasks(&row)
            } else {
                run_with_tasks(&row)
            };
            let Ok((outcome, events)) = ran else { continue };
            followed += 1;
            if let Some(problem) = misplaced(&outcome, &events) {
                wrong += 1;
                println!("{}: {problem}", text(&row, "name"));
            }
        }
    }
    println!("{followed} executions followed");
    assert_eq!(wrong, 0);
}

/// Returns the first part of an execution that its trace lost.
fn misplaced(outcome: &Outcome, events: &[Event]) -> Option<String> {
    let trace = Trace::new();
    for event in events {
        trace.record(event);
    }
    let steps = trace.finish().steps;
    let entered = events
        .iter()
        .filter(|event| event.event_type.as_str().ends_with("StateEntered"))
        .count();
    let kept = count(&steps);
    // Retried Map and Parallel states only keep their last attempt, large Maps the first iterations.
    let retried = steps.iter().any(|visit| visit.starts > 1);
    if kept != entered && !retried && entered < 40 {
        return Some(format!(
            "{entered} states entered, {kept} kept: {}",
            outline(&steps)
        ));
    }
    let last = steps.iter().next_back().map(|visit| visit.end);
    let fits = match (outcome.status, last) {
        (Status::Succeeded, Some(end)) => end == VisitEnd::Left || end == VisitEnd::Caught,
        (Status::Failed, Some(end)) => end == VisitEnd::Failed,
        (Status::TimedOut | Status::Aborted, Some(end)) => end == VisitEnd::Stopped,
        (_, None) => entered == 0,
    };
    (!fits).then(|| format!("{:?}, {}", outcome.status, outline(&steps)))
}

fn count(steps: &Steps) -> usize {
    let inside = steps.iter().map(|visit| match &visit.inside {
        Inside::Nothing => 0,
        Inside::Branches(branches) => branches.iter().map(count).sum(),
        Inside::Iterations(iterations) => {
            iterations.kept.iter().map(|kept| count(&kept.steps)).sum()
        }
    });
    inside.sum::<usize>() + steps.iter().count()
}
