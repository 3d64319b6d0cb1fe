//! Tasks: timeouts, heartbeats, tokens, activities and retries.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use drivetrain_statemachine::{Engine, ErrorKind, History, Status, TaskCall, TaskFailure, Tokens};
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;
use crate::support::small::{INTEGRATION, machine, one_task, seconds, silent};

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
    assert_eq!(
        tokens.succeed(&token, json!({})).unwrap_err().kind(),
        ErrorKind::TaskTimedOut
    );
    assert_eq!(
        tokens.heartbeat("other").unwrap_err().kind(),
        ErrorKind::UnknownToken
    );
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
        Ok::<_, TaskFailure>(json!({"sent": true}))
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
                assert_eq!(
                    tokens.heartbeat(&token).unwrap_err().kind(),
                    ErrorKind::TaskFinished
                );
            });
            Ok::<_, TaskFailure>(json!({"MessageId": "1"}))
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
        Ok::<_, TaskFailure>(json!("done"))
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
fn retries_back_off_and_restart_with_each_entry() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let counted = calls.clone();
    let engine = Engine::new(move |call: TaskCall| {
        counted.lock().unwrap().push(call.retry_count);
        async { Err::<Value, _>(TaskFailure::new("Throttled", "later")) }
    });
    let retry = json!([
        {"ErrorEquals": ["Throttled"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 3, "MaxDelaySeconds": 10},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 9},
    ]);
    let outcome =
        in_virtual_time(engine.run(&one_task(INTEGRATION, json!({"Retry": retry})), json!({})))
            .unwrap();
    // 2 + 6 + 10 seconds; the second retrier never matches an error that the first one lists.
    assert_eq!((outcome.status, seconds(&outcome)), (Status::Failed, 18));
    assert_eq!(*calls.lock().unwrap(), [0, 1, 2, 3]);
}

#[test]
fn jitter_comes_from_the_seed() {
    let retry = json!([{"ErrorEquals": ["E"], "IntervalSeconds": 1000, "JitterStrategy": "FULL", "MaxAttempts": 1}]);
    let machine = one_task(INTEGRATION, json!({"Retry": retry}));
    let duration = |seed: u64| {
        let engine =
            Engine::new(|_: TaskCall| async { Err::<Value, _>(TaskFailure::new("E", "")) })
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
