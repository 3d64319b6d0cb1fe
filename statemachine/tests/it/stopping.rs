//! Executions that are watched, stopped or timed out, and their determinism.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use drivetrain_statemachine::{
    Engine, EventType, History, JsonLines, Machine, MachineType, Status,
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::corpus::in_virtual_time;
use crate::support::small::{INTEGRATION, echo, machine, one_task, seconds, silent};

#[test]
fn an_endless_loop_can_be_stopped() {
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
    assert_eq!(outcome.status, Status::Succeeded);
    // A busy computer may take longer than the wait.
    assert!(seconds(&outcome) >= 1);
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
fn an_execution_whose_history_cannot_be_written_is_stopped() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            match taken {
                0 => Err(io::ErrorKind::StorageFull.into()),
                _ => Ok(taken),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let machine = machine(&json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$.end", "IsPresent": true, "Next": "E"}], "Default": "A"},
        "E": {"Type": "Succeed"},
    }}));
    for bytes in [0, 1_000_000] {
        let lines = JsonLines::new(Full(bytes));
        let engine = Engine::new(echo).max_events(None).history(lines.clone());
        let outcome = in_virtual_time(engine.run(&machine, json!({}))).unwrap();
        assert_eq!(outcome.status, Status::Aborted);
        assert_eq!(
            outcome.cause.as_deref(),
            Some("the history can no longer be written")
        );
        assert!(outcome.events < 100_000, "{}", outcome.events);
        let error = lines.finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
