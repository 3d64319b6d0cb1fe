//! Vacuum: what it removes of attempts that no run needs any more, and what it keeps.

use std::time::Duration;

use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{Replaces, Unfenced, VacuumOptions, vacuum};
use drivetrain_runner::watch::Stopper;
use object_store::path::Path;

use crate::support::backends::Backend;
use crate::support::fault_injector::{Call, Fault};
use crate::support::faulty_store::{Faulty, failing};
use crate::support::staged_run::stage;
use crate::support::table_contents::{assert_shows, leftovers};
use crate::support::test_run::{
    JOB, RECORD_1, RunEnd, crash_before, run_quietly, two_parts, vacuum_all,
};

#[tokio::test]
async fn vacuum_at_the_worst_moment_costs_a_second_attempt_and_nothing_else() {
    for kind in [Backend::memory(), Backend::folder(), Backend::s3().await] {
        let backend = kind.fresh();
        let mut held = Faulty::open(&backend, |_, call| {
            call.puts(RECORD_1).then_some(Fault::Pause)
        })
        .await;
        let store = held.store.clone();
        let task = tokio::spawn(async move { run_quietly(&store, &two_parts()).await });
        held.events.recv().await.unwrap();
        let done = vacuum_all(&backend.store().await).await.unwrap();
        assert_eq!((done.attempts.len(), done.uploads), (1, 2));
        held.injector.resume();
        assert_eq!(task.await.unwrap().unwrap(), RunEnd::Published(3));
        assert_shows(&backend, &two_parts()).await;
    }
}

#[tokio::test]
async fn vacuum_keeps_what_is_young_or_committed() {
    let backend = Backend::memory();
    crash_before(&backend, &two_parts(), |call| call.puts(RECORD_1)).await;
    let store = backend.store().await;
    let kept = leftovers(&store).await;
    assert!(!kept.is_empty());
    vacuum(&store, JOB, VacuumOptions::default()).await.unwrap();
    assert_eq!(leftovers(&store).await, kept);
    // Vacuum must complete the uploads of a committed run, never abort them.
    crash_before(&backend, &two_parts(), Call::completes).await;
    let done = vacuum_all(&backend.store().await).await.unwrap();
    assert_eq!(done.published, Some(1));
    assert_shows(&backend, &two_parts()).await;
}

#[tokio::test]
async fn vacuum_deletes_quarantine_only_when_asked() {
    let store = Backend::memory().store().await;
    let key = Path::from("_drivetrain/job/quarantine/run/attempt/users.csv");
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
    let store = failing(&backend, Fault::FailBefore, usize::MAX, Call::aborts).await;
    let (stopper, stop) = Stopper::new();
    let staged = stage(&store, "stopped", Replaces::Table).await;
    stopper.stop();
    let error = staged.commit(&Unfenced, &stop).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(!leftovers(&backend.store().await).await.is_empty());
    run_quietly(&backend.store().await, &two_parts())
        .await
        .unwrap();
    assert_shows(&backend, &two_parts()).await;
}
