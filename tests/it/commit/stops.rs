//! Runs that stop because of a signal or because their task was dropped: the outcome by then, and the time until they
//! end.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{Fence, Log, Replaces};
use drivetrain_runner::error::{Error, Result};
use drivetrain_runner::watch::{StopSignal, Stopper};

use crate::support::backends::Backend;
use crate::support::fault_injector::{Call, Fault};
use crate::support::faulty_store::{Faulty, failing};
use crate::support::staged_run::stage;
use crate::support::table_contents::{leftovers, listed, listed_parts, logged};
use crate::support::test_run::{JOB, RunEnd, TestRun, run, run_quietly, two_parts};

/// A fence that refuses one of the questions it is asked, and records all of them.
struct Refusing {
    at: &'static str,
    asked: Mutex<Vec<&'static str>>,
}

impl Refusing {
    fn answer(&self, question: &'static str) -> Result<()> {
        self.asked.lock().unwrap().push(question);
        if question == self.at {
            return Err(Error::new(ErrorKind::Cancelled, "the task is gone"));
        }
        Ok(())
    }
}

#[async_trait]
impl Fence for Refusing {
    async fn may_commit(&self) -> Result<()> {
        self.answer("may_commit")
    }

    async fn about_to_put(&self) -> Result<()> {
        self.answer("about_to_put")
    }
}

#[tokio::test]
async fn a_run_that_the_fence_refuses_commits_nothing() {
    for (at, asked) in [
        ("may_commit", vec!["may_commit"]),
        ("about_to_put", vec!["may_commit", "about_to_put"]),
    ] {
        let backend = Backend::memory();
        let store = backend.store().await;
        let staged = stage(&store, "unwanted", Replaces::Table).await;
        let fence = Refusing {
            at,
            asked: Mutex::default(),
        };
        let error = staged
            .commit(&fence, &StopSignal::never())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "the task is gone");
        assert_eq!(*fence.asked.lock().unwrap(), asked);
        assert_eq!(Log::read(&store, JOB).await.unwrap().last(), 0);
        assert_eq!(leftovers(&store).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_stop_while_the_store_does_not_answer_takes_two_seconds_at_most() {
    // If the store does not answer the put of the record, the commit is undecided. If it does not answer the
    // completions, another process must publish.
    let log = |call: &Call| call.key.starts_with("_drivetrain/job/log/0");
    for (matches, text) in [
        (log as fn(&Call) -> bool, "was committed as record 1"),
        (
            Call::completes,
            "the run is committed, but its publish is not finished",
        ),
    ] {
        let backend = Backend::memory();
        let store = failing(&backend, Fault::CrashBefore, usize::MAX, matches).await;
        let (stopper, stop) = Stopper::new();
        let task = tokio::spawn(async move { run(&store, &two_parts(), &stop).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        let asked = Instant::now();
        stopper.stop();
        let error = task.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TryAgain, "{error}");
        assert!(error.to_string().ends_with(text), "{error}");
        assert!(asked.elapsed() < Duration::from_millis(2_300));
        let store = backend.store().await;
        run_quietly(&store, &two_parts()).await.unwrap();
        assert_eq!(logged(&store).await, two_parts().expected());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_publisher_waits_for_requests_in_flight_and_sends_no_more() {
    let backend = Backend::memory();
    let days: Vec<String> = (0..60).map(|day| format!("2024-{day:03}")).collect();
    let days: Vec<(&str, &str)> = days.iter().map(|day| (day.as_str(), "text")).collect();
    let test_run = TestRun::table("many days", &days);
    let Faulty {
        store,
        injector,
        mut events,
    } = Faulty::open(&backend, |_, call| call.completes().then_some(Fault::Pause)).await;
    let (stopper, stop) = Stopper::new();
    let stopping = async {
        events.recv().await;
        stopper.stop();
        // At this time the publisher begins no new request any more, but its two seconds are not over yet.
        tokio::time::sleep(Duration::from_millis(1_600)).await;
        let mut begun = 1;
        while events.try_recv().is_ok() {
            begun += 1;
        }
        for _ in 0..begun {
            injector.resume();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun
    };
    let (ended, begun) = tokio::join!(run(&store, &test_run, &stop), stopping);
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    assert_eq!(
        error.to_string(),
        "the run is committed, but its publish is not finished"
    );
    assert!(begun < days.len());
    let store = backend.store().await;
    assert_eq!(listed_parts(&store).await, begun);
    let end = run_quietly(&store, &test_run).await.unwrap();
    assert_eq!(end, RunEnd::AlreadyDone(1));
    assert_eq!(listed(&store).await, test_run.expected());
}
