//! Records that void another record: which process puts, marks and finishes them, and how a late publisher treats them.

use drivetrain_runner::commit::{PublishOutcome, Repaired, RunStatus, repair};
use drivetrain_runner::watch::StopSignal;

use crate::support::backends::Backend;
use crate::support::fault_injector::{Call, Fault, Operation};
use crate::support::faulty_store::{Faulty, failing};
use crate::support::staged_run::{drop_uploads, stage_and_commit};
use crate::support::table_contents::{assert_shows, listed, logged, statuses};
use crate::support::test_run::{
    DAY, JOB, MARK_1, MARK_2, RECORD_2, RunEnd, TestRun, crash_before, publish, run_quietly,
    two_parts,
};

#[tokio::test]
async fn a_void_is_marked_by_the_process_that_put_it() {
    let backend = Backend::memory();
    let store = failing(&backend, Fault::Pretend, 1, Call::completes).await;
    let committed = stage_and_commit(&store, "lost").await;
    let outcome = committed.publish(&StopSignal::never()).await;
    assert!(matches!(outcome.unwrap(), PublishOutcome::StartAgain));
    let store = backend.store().await;
    assert!(store.look(&MARK_2.into()).await.unwrap().is_some());
    assert!(store.look(&MARK_1.into()).await.unwrap().is_none());
}

/// A completion that is in flight when its upload is aborted may still succeed. Then the run that seemed lost is not,
/// although another run has the next number.
#[tokio::test]
async fn a_run_at_the_next_number_proves_that_the_one_before_was_published() {
    let backend = Backend::memory();
    let reads_next = |call: &Call| call.operation == Operation::Get && call.key == RECORD_2;
    let mut late = Faulty::open(&backend, move |_, call| {
        if call.completes() || call.aborts() {
            Some(Fault::Pretend)
        } else {
            reads_next(call).then_some(Fault::Pause)
        }
    })
    .await;
    let committed = stage_and_commit(&late.store, "late").await;
    let publishing = tokio::spawn(async move { committed.publish(&StopSignal::never()).await });
    late.events.recv().await.unwrap();
    let store = backend.store().await;
    assert_eq!(repair(&store, JOB).await.unwrap(), Repaired::Published(1));
    let next = TestRun::table("next", &[(DAY, "next")]);
    assert_eq!(publish(&store, &next).await, 2);
    late.injector.resume();
    let outcome = publishing.await.unwrap().unwrap();
    assert!(matches!(outcome, PublishOutcome::Published(_)));
    assert_eq!(logged(&store).await, next.expected());
    assert_eq!(statuses(&store).await, [RunStatus::Published; 2]);
}

#[tokio::test]
async fn a_process_that_finds_its_run_voided_deletes_what_it_completed() {
    let backend = Backend::memory();
    let mut left = 2;
    let mut first = Faulty::open(&backend, move |_, call| {
        let waits = call.completes() && left > 0;
        left -= usize::from(waits);
        waits.then_some(Fault::Pause)
    })
    .await;
    let store = first.store.clone();
    let running = tokio::spawn(async move { run_quietly(&store, &two_parts()).await });
    first.events.recv().await.unwrap();
    first.events.recv().await.unwrap();
    drop_uploads(&backend, 1).await;
    // The second process gives the run up, while a completion is in flight that its abort does not reach.
    let second = Faulty::open(&backend, |_, call| {
        (call.completes() || call.aborts()).then_some(Fault::Pretend)
    })
    .await;
    repair(&second.store, JOB).await.unwrap_err();
    first.injector.resume();
    // The injector can resume only one call in advance, not two.
    tokio::task::yield_now().await;
    first.injector.resume();
    assert_eq!(running.await.unwrap().unwrap(), RunEnd::Published(3));
    assert_shows(&backend, &two_parts()).await;
}

#[tokio::test]
async fn a_void_that_was_cut_off_twice_is_finished_by_the_third() {
    let backend = Backend::memory();
    crash_before(&backend, &two_parts(), Call::completes).await;
    drop_uploads(&backend, 1).await;
    for _ in 0..2 {
        crash_before(&backend, &two_parts(), |call| call.deletes_below(JOB)).await;
        let store = backend.store().await;
        assert!(store.look(&RECORD_2.into()).await.unwrap().is_some());
        assert!(store.look(&MARK_2.into()).await.unwrap().is_none());
    }
    let store = backend.store().await;
    assert_eq!(publish(&store, &two_parts()).await, 3);
    assert_eq!(listed(&store).await, two_parts().expected());
}
