//! What is taken away of attempts that nobody needs, and what is kept.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::time::Duration;

use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{Replaces, Stopper, Unfenced, VacuumOptions, vacuum};
use drivetrain_runner::store::Store;

use crate::commit::faults::{RECORD_1, completes, crashes, faulty, puts, shows, stage, work};
use crate::support::backends::Backend;
use crate::support::commit_work::{Done, JOB, leftovers, run_quietly};
use crate::support::store_faults::{Call, Fault, Faulty, Operation, Shared};

#[tokio::test]
async fn vacuum_at_the_worst_moment_costs_a_second_attempt_and_nothing_else() {
    for kind in [Backend::memory(), Backend::folder(), Backend::s3().await] {
        let backend = kind.fresh();
        let (held, mut heard) = Faulty::new(backend.objects().await, |_, call| {
            puts(RECORD_1)(call).then_some(Fault::Pause)
        });
        let store = Store::over(backend.location(), Arc::new(Shared(Arc::clone(&held))));
        let task = tokio::spawn(async move { run_quietly(&store, &work()).await });
        heard.recv().await.unwrap();
        let options = VacuumOptions {
            retention: Duration::ZERO,
            quarantine: None,
        };
        let done = vacuum(&backend.store().await, JOB, options).await.unwrap();
        assert_eq!((done.attempts.len(), done.uploads), (1, 2));
        held.go_on();
        assert_eq!(task.await.unwrap().unwrap(), Done::Published(3));
        shows(&backend, &work()).await;
    }
}

#[tokio::test]
async fn vacuum_keeps_what_is_young_or_committed() {
    let backend = Backend::memory();
    crashes(&backend, &work(), puts(RECORD_1)).await;
    let store = backend.store().await;
    let kept = leftovers(&store).await;
    assert!(!kept.is_empty());
    vacuum(&store, JOB, VacuumOptions::default()).await.unwrap();
    assert_eq!(leftovers(&store).await, kept);
    // A committed run's uploads are finished and never aborted.
    crashes(&backend, &work(), completes).await;
    let options = VacuumOptions {
        retention: Duration::ZERO,
        quarantine: None,
    };
    let done = vacuum(&backend.store().await, JOB, options).await.unwrap();
    assert_eq!(done.published, Some(1));
    shows(&backend, &work()).await;
}

#[tokio::test]
async fn vacuum_takes_quarantine_away_only_when_asked() {
    let store = Backend::memory().store().await;
    let key = object_store::path::Path::from("_drivetrain/job/quarantine/run/attempt/users.csv");
    store.put(&key, "x".into()).await.unwrap();
    vacuum(&store, JOB, VacuumOptions::default()).await.unwrap();
    assert!(store.look(&key).await.unwrap().is_some());
    let options = VacuumOptions {
        quarantine: Some(Duration::ZERO),
        ..VacuumOptions::default()
    };
    let done = vacuum(&store, JOB, options).await.unwrap();
    assert_eq!(done.quarantine, 1);
    assert!(store.look(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn an_attempt_that_ended_is_cleaned_by_the_next_run() {
    let backend = Backend::memory();
    let aborts = |call: &Call| call.operation == Operation::Abort;
    let store = faulty(&backend, Fault::FailBefore, usize::MAX, aborts).await;
    let (stopper, stop) = Stopper::new();
    let staged = stage(&store, "stopped", Replaces::Table).await;
    stopper.stop();
    let error = staged.commit(&Unfenced, &stop).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(!leftovers(&backend.store().await).await.is_empty());
    run_quietly(&backend.store().await, &work()).await.unwrap();
    shows(&backend, &work()).await;
}
