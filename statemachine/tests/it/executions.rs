//! Executions: stopping, timing out, waiting for tokens, retrying, and what bounds them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drivetrain_statemachine::{
    Engine, EventType, History, Machine, MachineType, Outcome, Status, TaskCall, TaskError,
    TokenError, Tokens,
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::corpus::in_virtual_time;

const INTEGRATION: &str = "arn:aws:states:::lambda:invoke";

fn machine(definition: &Value) -> Machine {
    Machine::parse(&definition.to_string()).unwrap()
}

fn one_task(resource: &str, fields: Value) -> Machine {
    let mut state = json!({"Type": "Task", "Resource": resource, "End": true});
    state
        .as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    machine(&json!({"StartAt": "T", "States": {"T": state}}))
}

async fn echo(call: TaskCall) -> Result<Value, TaskError> {
    Ok(call.input)
}

async fn silent(_call: TaskCall) -> Result<Value, TaskError> {
    std::future::pending().await
}

fn seconds(outcome: &Outcome) -> i64 {
    (outcome.stopped_at - outcome.started_at).num_seconds()
}

#[test]
fn an_endless_loop_hears_a_stop() {
    let machine = machine(&json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": true, "Next": "E"}], "Default": "A"},
        "E": {"Type": "Succeed"},
    }}));
    let engine = Engine::new(echo).max_events(None);
    let outcome = in_virtual_time(async {
        let execution = engine.start(&machine, json!({})).unwrap();
        let control = execution.control();
        let stopper = control.clone();
        tokio::spawn(async move {
            while stopper.transitions() < 20_000 {
                tokio::task::yield_now().await;
            }
            stopper.stop(Some("Enough".to_owned()), None);
        });
        let outcome = execution.result().await;
        assert!(control.transitions() < 25_000, "{}", control.transitions());
        outcome
    });
    assert_eq!(outcome.status, Status::Aborted);
    assert_eq!(outcome.error.as_deref(), Some("Enough"));
}

#[test]
fn a_stop_cancels_the_task_and_is_the_last_event() {
    struct Dropped(Arc<AtomicUsize>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let counter = dropped.clone();
    let history = History::default();
    let engine = Engine::new(move |call| {
        let guard = Dropped(counter.clone());
        async move {
            let _guard = guard;
            silent(call).await
        }
    })
    .history(history.clone());
    let outcome = in_virtual_time(async {
        let execution = engine
            .start(&one_task(INTEGRATION, json!({})), json!({}))
            .unwrap();
        let control = execution.control();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            control.stop(None, Some("by hand".to_owned()));
        });
        execution.result().await
    });
    assert_eq!((outcome.status, seconds(&outcome)), (Status::Aborted, 3));
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    let last = history.events().pop().unwrap();
    assert_eq!(
        (last.event_type, last.previous_event_id),
        (EventType::ExecutionAborted, 0)
    );
    assert_eq!(last.details.cause.as_deref(), Some("by hand"));
}

#[test]
fn a_machine_ends_at_its_own_timeout() {
    let machine = machine(&json!({"TimeoutSeconds": 5, "StartAt": "W", "States": {
        "W": {"Type": "Wait", "Seconds": 60, "End": true},
    }}));
    let outcome = in_virtual_time(Engine::new(echo).run(&machine, json!({}))).unwrap();
    assert_eq!((outcome.status, seconds(&outcome)), (Status::TimedOut, 5));
}

#[test]
fn an_express_machine_runs_for_five_minutes() {
    let definition =
        json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 301, "End": true}}});
    let machine = Machine::from_value(definition, MachineType::Express).unwrap();
    let outcome = in_virtual_time(Engine::new(echo).run(&machine, json!({}))).unwrap();
    assert_eq!((outcome.status, seconds(&outcome)), (Status::TimedOut, 300));
}

#[test]
fn a_task_times_out_and_its_token_says_so() {
    let tokens = Tokens::default();
    let seen = Arc::new(Mutex::new(String::new()));
    let token = seen.clone();
    let engine = Engine::new(move |call: TaskCall| {
        token
            .lock()
            .unwrap()
            .clone_from(call.token.as_ref().unwrap());
        silent(call)
    })
    .tokens(tokens.clone());
    let machine = one_task(
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        json!({"TimeoutSeconds": 7}),
    );
    let outcome = in_virtual_time(engine.run(&machine, json!({}))).unwrap();
    assert_eq!((outcome.status, seconds(&outcome)), (Status::Failed, 7));
    assert_eq!(
        (outcome.error.as_deref(), outcome.cause),
        (Some("States.Timeout"), None)
    );
    let token = seen.lock().unwrap().clone();
    assert_eq!(tokens.succeed(&token, json!({})), Err(TokenError::TimedOut));
    assert_eq!(tokens.heartbeat("other"), Err(TokenError::Unknown));
}

#[test]
fn heartbeats_keep_a_task_alive_until_they_stop() {
    let engine = Engine::new(|call: TaskCall| async move {
        let token = call.token.clone().unwrap();
        tokio::spawn(async move {
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_secs(4)).await;
                call.tokens.heartbeat(&token).unwrap();
            }
        });
        Ok::<_, TaskError>(json!({"sent": true}))
    });
    let machine = machine(&json!({"StartAt": "T", "States": {
        "T": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "HeartbeatSeconds": 5,
              "Catch": [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "C"}], "End": true},
        "C": {"Type": "Pass", "End": true},
    }}));
    let outcome = in_virtual_time(engine.run(&machine, json!({}))).unwrap();
    assert_eq!((outcome.status, seconds(&outcome)), (Status::Succeeded, 21));
    assert_eq!(
        outcome.output,
        Some(json!({"Error": "States.Timeout", "Cause": ""}))
    );
}

#[test]
fn a_token_answers_its_task() {
    for (answer, status) in [("succeed", Status::Succeeded), ("fail", Status::Failed)] {
        let engine = Engine::new(move |call: TaskCall| async move {
            let (tokens, token) = (call.tokens.clone(), call.token.clone().unwrap());
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                match answer {
                    "succeed" => tokens.succeed(&token, json!(42)),
                    _ => tokens.fail(&token, Some("Broken".to_owned()), None),
                }
                .unwrap();
                assert_eq!(tokens.heartbeat(&token), Err(TokenError::Finished));
            });
            Ok::<_, TaskError>(json!({"MessageId": "1"}))
        });
        let machine = one_task(
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            json!({}),
        );
        let outcome = in_virtual_time(engine.run(&machine, json!({}))).unwrap();
        assert_eq!((outcome.status, seconds(&outcome)), (status, 1));
    }
}

#[test]
fn a_worker_takes_an_activity_and_answers_it() {
    let history = History::default();
    let engine = Engine::new(|call: TaskCall| async move {
        call.started(Some("worker 1".to_owned()));
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok::<_, TaskError>(json!("done"))
    })
    .history(history.clone());
    let machine = one_task(
        "arn:aws:states:us-east-1:111111111111:activity:a",
        json!({}),
    );
    let outcome = in_virtual_time(engine.run(&machine, json!({}))).unwrap();
    assert_eq!(outcome.output, Some(json!("done")));
    let events = history.events();
    let types: Vec<&str> = events
        .iter()
        .map(|event| event.event_type.as_str())
        .collect();
    assert_eq!(
        types[2..5],
        ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    );
    assert_eq!(events[3].details.worker_name.as_deref(), Some("worker 1"));
}

#[test]
fn retries_back_off_and_start_anew_with_each_entry() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let counted = calls.clone();
    let engine = Engine::new(move |call: TaskCall| {
        counted.lock().unwrap().push(call.retry_count);
        async { Err::<Value, _>(TaskError::new("Throttled", "later")) }
    });
    let retry = json!([
        {"ErrorEquals": ["Throttled"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 3, "MaxDelaySeconds": 10},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 9},
    ]);
    let outcome =
        in_virtual_time(engine.run(&one_task(INTEGRATION, json!({"Retry": retry})), json!({})))
            .unwrap();
    // 2 + 6 + 10 seconds; the second retrier never gets what the first one lists.
    assert_eq!((outcome.status, seconds(&outcome)), (Status::Failed, 18));
    assert_eq!(*calls.lock().unwrap(), [0, 1, 2, 3]);
}

#[test]
fn jitter_comes_from_the_seed() {
    let retry = json!([{"ErrorEquals": ["E"], "IntervalSeconds": 1000, "JitterStrategy": "FULL", "MaxAttempts": 1}]);
    let machine = one_task(INTEGRATION, json!({"Retry": retry}));
    let duration = |seed: u64| {
        let engine = Engine::new(|_: TaskCall| async { Err::<Value, _>(TaskError::new("E", "")) })
            .seed(seed);
        seconds(&in_virtual_time(engine.run(&machine, json!({}))).unwrap())
    };
    assert_eq!(duration(1), duration(1));
    assert_ne!(duration(1), duration(2));
    assert!(
        (0..20)
            .map(duration)
            .all(|seconds| (0..=1000).contains(&seconds))
    );
}

#[test]
fn a_failed_branch_cancels_its_siblings() {
    let history = History::default();
    let engine = Engine::new(|call: TaskCall| async move {
        if call.state == "Fails" {
            tokio::time::sleep(Duration::from_secs(1)).await;
            return Err(TaskError::new("Broken", "soon"));
        }
        silent(call).await
    })
    .history(history.clone());
    let branch = |name: &str| json!({"StartAt": name, "States": {name: {"Type": "Task", "Resource": INTEGRATION, "End": true}}});
    let machine = machine(&json!({"StartAt": "P", "States": {
        "P": {"Type": "Parallel", "Branches": [branch("Hangs"), branch("Fails")], "End": true,
              "Catch": [{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.error", "Next": "C"}]},
        "C": {"Type": "Pass", "End": true},
    }}));
    let outcome = in_virtual_time(engine.run(&machine, json!({"id": 1}))).unwrap();
    assert_eq!(seconds(&outcome), 1);
    assert_eq!(
        outcome.output,
        Some(json!({"id": 1, "error": {"Error": "Broken", "Cause": "soon"}}))
    );
    let types: Vec<EventType> = history
        .events()
        .iter()
        .map(|event| event.event_type)
        .collect();
    assert!(types.contains(&EventType::TaskStateAborted));
    assert!(types.contains(&EventType::ParallelStateFailed));
    assert!(types.contains(&EventType::ParallelStateExited));
}

#[test]
fn a_runtime_failure_passes_every_handler() {
    let machine = machine(&json!({"StartAt": "P", "States": {
        "P": {"Type": "Parallel", "End": true,
              "Branches": [{"StartAt": "B", "States": {"B": {"Type": "Pass", "InputPath": "$.missing", "End": true}}}],
              "Retry": [{"ErrorEquals": ["States.ALL"]}],
              "Catch": [{"ErrorEquals": ["States.Runtime"], "Next": "C"}, {"ErrorEquals": ["States.ALL"], "Next": "C"}]},
        "C": {"Type": "Pass", "End": true},
    }}));
    let outcome = in_virtual_time(Engine::new(echo).run(&machine, json!({}))).unwrap();
    assert_eq!(
        (outcome.status, outcome.error.as_deref()),
        (Status::Failed, Some("States.Runtime"))
    );
}

#[test]
fn a_standard_history_ends_at_event_25000() {
    let machine = machine(&json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": true, "Next": "A"}], "Default": "A"},
        "E": {"Type": "Succeed"},
    }}).to_string().replace(r#""IsPresent":true,"Next":"A""#, r#""IsPresent":true,"Next":"E""#).parse::<Value>().unwrap());
    let history = History::default();
    let outcome = in_virtual_time(
        Engine::new(echo)
            .history(history.clone())
            .run(&machine, json!({})),
    )
    .unwrap();
    assert_eq!((outcome.status, outcome.events), (Status::Failed, 25_000));
    let last = history.events().pop().unwrap();
    assert_eq!(
        (last.id, last.event_type),
        (25_000, EventType::ExecutionFailed)
    );
    assert_eq!(
        last.details.cause.as_deref(),
        Some("The execution reached the maximum number of history events (25000).")
    );
}

#[test]
fn a_result_over_the_limit_fails_the_task() {
    let engine =
        Engine::new(|_: TaskCall| async { Ok::<_, TaskError>(json!("x".repeat(262_143))) });
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
fn the_same_seed_gives_the_same_history() {
    let machine = machine(&json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Parameters": {"id.$": "States.UUID()", "n.$": "States.MathRandom(1, 1000)", "at.$": "$$.State.EnteredTime"},
              "Next": "W"},
        "W": {"Type": "Wait", "Seconds": 3600, "Next": "B"},
        "B": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% [$uuid(), $random(), $now()] %}", "End": true},
    }}));
    let history = |seed: u64| {
        let history = History::default();
        let engine = Engine::new(echo).history(history.clone()).seed(seed);
        in_virtual_time(engine.run(&machine, json!({}))).unwrap();
        serde_json::to_string(&history.events()).unwrap()
    };
    assert_eq!(history(3), history(3));
    assert_ne!(history(3), history(4));
    assert!(history(3).contains("1970-01-01T01:00:00.000Z"));
}

#[test]
fn events_can_be_read_while_the_execution_runs() {
    let machine = machine(
        &json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9, "End": true}}}),
    );
    let types = in_virtual_time(async {
        let execution = Engine::new(echo).start(&machine, json!({})).unwrap();
        let events = execution.events();
        let (_, types) = tokio::join!(
            execution.result(),
            events
                .map(|event| event.event_type.as_str())
                .collect::<Vec<_>>()
        );
        types
    });
    assert_eq!(
        types,
        [
            "ExecutionStarted",
            "WaitStateEntered",
            "WaitStateExited",
            "ExecutionSucceeded"
        ]
    );
}

#[test]
fn an_execution_can_move_between_threads_in_real_time() {
    let machine = machine(
        &json!({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": true}}}),
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    let outcome = runtime.block_on(async {
        let execution = Engine::new(echo).start(&machine, json!({})).unwrap();
        tokio::spawn(execution.result()).await.unwrap()
    });
    assert_eq!((outcome.status, seconds(&outcome)), (Status::Succeeded, 1));
}

#[test]
fn a_million_transitions_need_no_history() {
    let machine = machine(
        &json!({"QueryLanguage": "JSONPath", "StartAt": "A", "States": {
            "A": {"Type": "Pass", "Next": "B"},
            "B": {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": true, "Next": "E"}], "Default": "A"},
            "E": {"Type": "Succeed"},
        }}),
    );
    in_virtual_time(async {
        let execution = Engine::new(echo)
            .max_events(None)
            .start(&machine, json!({"a": 1}))
            .unwrap();
        let control = execution.control();
        let stopper = control.clone();
        tokio::spawn(async move {
            while stopper.transitions() < 1_000_000 {
                tokio::task::yield_now().await;
            }
            stopper.stop(None, None);
        });
        assert_eq!(execution.result().await.status, Status::Aborted);
    });
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
        // Refused when it is created, or when it runs; never a stack that overflows.
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
fn a_task_s_deep_answer_fails_the_state_and_nothing_else() {
    let engine = Engine::new(|_: TaskCall| async {
        let mut answer = json!(1);
        for _ in 0..1_000 {
            answer = json!([answer]);
        }
        Ok::<_, TaskError>(answer)
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
