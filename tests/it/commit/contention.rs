//! A run that finds another run's record at the number that it wants for its own.

use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{
    CommitOutcome, PublishOutcome, Replaces, RunStatus, Unfenced, repair,
};
use drivetrain_runner::watch::StopSignal;

use crate::support::backends::Backend;
use crate::support::fault_injector::Call;
use crate::support::staged_run::{commit, drop_uploads, stage};
use crate::support::table_contents::{assert_shows, listed, statuses};
use crate::support::test_run::{JOB, RECORD_2, TestRun, crash_before, run_quietly, two_parts};

/// Builds a run whose window overlaps no append and no other window of the tests.
fn disjoint_window() -> TestRun {
    TestRun::window("other", "2024-05-05", "2024-05-05", &[("2024-05-05", "x")])
}

#[tokio::test]
async fn a_run_whose_number_is_taken_commits_at_the_next_one_unless_it_conflicts() {
    let backend = Backend::memory();
    let store = backend.store().await;
    let staged = stage(&store, "mine", Replaces::Append).await;
    run_quietly(&store, &disjoint_window()).await.unwrap();
    let committed = commit(staged).await;
    assert_eq!(committed.record().number, 2);
    assert!(store.look(&RECORD_2.into()).await.unwrap().is_some());
    let _ = committed.publish(&StopSignal::never()).await.unwrap();

    let staged = stage(&store, "conflicting", Replaces::Append).await;
    run_quietly(&store, &two_parts()).await.unwrap();
    let error = staged
        .commit(&Unfenced, &StopSignal::never())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_shows(&backend, &two_parts()).await;
}

#[tokio::test]
async fn a_run_that_finds_a_lost_run_at_its_number_voids_it_and_starts_again() {
    let backend = Backend::memory();
    let staged = stage(&backend.store().await, "mine", Replaces::Append).await;
    crash_before(&backend, &disjoint_window(), Call::completes).await;
    drop_uploads(&backend, 0).await;
    let outcome = staged
        .commit(&Unfenced, &StopSignal::never())
        .await
        .unwrap();
    assert!(matches!(outcome, CommitOutcome::StartAgain));
    let store = backend.store().await;
    assert_eq!(statuses(&store).await[0], RunStatus::Voided);
    assert_eq!(listed(&store).await, [].into());
}

#[tokio::test]
async fn a_voided_record_at_the_target_number_is_not_a_conflict() {
    let backend = Backend::memory();
    let staged = stage(&backend.store().await, "mine", Replaces::Table).await;
    crash_before(&backend, &two_parts(), Call::completes).await;
    drop_uploads(&backend, 1).await;
    repair(&backend.store().await, JOB).await.unwrap_err();
    let committed = commit(staged).await;
    assert_eq!(committed.record().number, 3);
    let outcome = committed.publish(&StopSignal::never()).await.unwrap();
    assert!(matches!(outcome, PublishOutcome::Published(_)));
}
