//! Uploads that the store has lost, or that it reports as completed although they are not: which process notices, and
//! what happens to the run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{
    self, Committed, Log, PublishOutcome, Repaired, RunStatus, VacuumOptions, repair, vacuum,
};
use drivetrain_runner::store::Completion;
use drivetrain_runner::watch::StopSignal;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::support::backends::Backend;
use crate::support::fault_injector::{Call, Fault};
use crate::support::faulty_store::{Faulty, failing};
use crate::support::staged_run::{drop_uploads, stage_and_commit};
use crate::support::table_contents::{assert_shows, listed, logged, statuses};
use crate::support::test_run::{
    DAY, JOB, RECORD_1, RunEnd, TABLE, TestRun, publish, run_quietly, two_parts,
};

#[tokio::test]
async fn an_upload_that_is_falsely_reported_as_completed_is_lost_and_the_run_starts_again() {
    for kind in [Backend::memory(), Backend::folder(), Backend::s3().await] {
        let backend = kind.fresh();
        let store = failing(&backend, Fault::Pretend, 1, Call::completes).await;
        // The first attempt commits record 1, which record 2 voids. The second attempt commits record 3.
        assert_eq!(publish(&store, &two_parts()).await, 3);
        assert_started_again(&backend).await;
        assert_eq!(
            run_quietly(&backend.store().await, &two_parts())
                .await
                .unwrap(),
            RunEnd::AlreadyDone(3)
        );
    }
}

async fn assert_started_again(backend: &Backend) {
    assert_shows(backend, &two_parts()).await;
    assert_eq!(
        statuses(&backend.store().await).await,
        [RunStatus::Voided, RunStatus::Void, RunStatus::Published]
    );
}

#[tokio::test]
async fn an_upload_whose_parts_are_missing_is_lost_only_after_several_equal_answers() {
    let backend = Backend::memory();
    let store = failing(&backend, Fault::LoseParts, 4, Call::completes).await;
    assert_eq!(publish(&store, &two_parts()).await, 1);
    assert_shows(&backend, &two_parts()).await;

    let backend = Backend::memory();
    let broken = Arc::new(Mutex::new(None));
    let first = move |call: &Call| {
        // One upload stays broken.
        let mut broken = broken.lock().unwrap();
        call.completes() && *broken.get_or_insert_with(|| call.key.clone()) == call.key
    };
    let store = failing(&backend, Fault::LoseParts, usize::MAX, first).await;
    assert_eq!(publish(&store, &two_parts()).await, 3);
    assert_started_again(&backend).await;
}

#[tokio::test]
async fn missing_parts_after_a_timeout_leave_the_publish_pending() {
    let backend = Backend::memory();
    // The completion that timed out may still be in progress, which also looks like missing parts.
    let mut tried = BTreeSet::new();
    let faulty = Faulty::open(&backend, move |_, call| {
        let is_first = call.completes() && tried.insert(call.key.clone());
        match (call.completes(), is_first) {
            (true, true) => Some(Fault::FailBefore),
            (true, false) => Some(Fault::LoseParts),
            (false, _) => None,
        }
    })
    .await;
    let error = run_quietly(&faulty.store, &two_parts()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    let store = backend.store().await;
    run_quietly(&store, &two_parts()).await.unwrap();
    // `vacuum` will remove the notes of the attempt whose publish was left pending.
    assert_eq!(listed(&store).await, two_parts().expected());
    assert_eq!(Log::read(&store, JOB).await.unwrap().last(), 1);
}

#[tokio::test]
async fn an_object_of_another_size_is_not_the_part() {
    let backend = Backend::memory();
    let store = failing(&backend, Fault::Pretend, usize::MAX, Call::completes).await;
    let committed = stage_and_commit(&store, "whole").await;
    for part in committed.record().as_run().unwrap().parts() {
        let key = part.path().unwrap();
        let objects = backend.objects().await;
        objects.put(&key, "cut".into()).await.unwrap();
    }
    let outcome = committed.publish(&StopSignal::never()).await.unwrap();
    assert!(matches!(outcome, PublishOutcome::StartAgain));
    assert_eq!(listed(&backend.store().await).await, [].into());
}

/// Commits a run whose uploads the store then drops.
async fn lost(backend: &Backend) -> Committed {
    let committed = stage_and_commit(&backend.store().await, "lost").await;
    drop_uploads(backend, 0).await;
    committed
}

async fn assert_starts_again(committed: Committed) {
    let outcome = committed.publish(&StopSignal::never()).await.unwrap();
    assert!(matches!(outcome, PublishOutcome::StartAgain));
}

#[tokio::test]
async fn a_lost_run_is_voided_by_every_process_that_finds_it() {
    for kind in [Backend::memory(), Backend::folder(), Backend::s3().await] {
        // The run's own process notices.
        let backend = kind.fresh();
        assert_starts_again(lost(&backend).await).await;
        assert_eq!(listed(&backend.store().await).await, [].into());

        // `repair` notices, and says that the run must be run again.
        let backend = kind.fresh();
        let committed = lost(&backend).await;
        let error = repair(&backend.store().await, JOB).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TryAgain);
        assert_eq!(
            error.to_string(),
            "the run of record 1 of job `job` was lost: the store dropped its uploads before they were published"
        );
        // The run's own process comes too late, and does not report success.
        assert_starts_again(committed).await;

        // The next run notices.
        let backend = kind.fresh();
        let committed = lost(&backend).await;
        assert_eq!(publish(&backend.store().await, &two_parts()).await, 3);
        assert_starts_again(committed).await;
        assert_shows(&backend, &two_parts()).await;

        // A reader downstream notices.
        let backend = kind.fresh();
        let _committed = lost(&backend).await;
        let read = commit::read_table(&backend.store().await, JOB, TABLE).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::InputMissing);

        // `vacuum` notices.
        let backend = kind.fresh();
        let _committed = lost(&backend).await;
        let store = backend.store().await;
        let done = vacuum(&store, JOB, VacuumOptions::default()).await.unwrap();
        assert_eq!((done.published, done.voided), (None, Some(1)));
        assert_eq!(Log::read(&store, JOB).await.unwrap().last(), 2);
    }
}

#[tokio::test]
async fn a_second_look_finds_what_another_process_completed_meanwhile() {
    let backend = Backend::memory();
    run_quietly(&backend.store().await, &two_parts())
        .await
        .unwrap();
    // The first process gets a false answer to a completion, and is paused before it gives up the uploads.
    let (mut lied, mut held) = (false, false);
    let mut first = Faulty::open(&backend, move |_, call| {
        if call.completes() && !std::mem::replace(&mut lied, true) {
            Some(Fault::Pretend)
        } else if call.aborts() && !std::mem::replace(&mut held, true) {
            Some(Fault::Pause)
        } else {
            None
        }
    })
    .await;
    let committed = stage_and_commit(&first.store, "new").await;
    let publishing = tokio::spawn(async move { committed.publish(&StopSignal::never()).await });
    first.events.recv().await.unwrap();
    // The second process completes the upload, and is paused before it deletes the old parts.
    let mut second = Faulty::open(&backend, |_, call| {
        call.deletes_below(JOB).then_some(Fault::Pause)
    })
    .await;
    let store = second.store.clone();
    let repairing = tokio::spawn(async move { repair(&store, JOB).await });
    second.events.recv().await.unwrap();
    first.injector.resume();
    let outcome = publishing.await.unwrap().unwrap();
    assert!(matches!(outcome, PublishOutcome::Published(_)));
    // One delete per old part.
    second.injector.resume();
    second.events.recv().await.unwrap();
    second.injector.resume();
    assert_eq!(repairing.await.unwrap().unwrap(), Repaired::Published(2));
    assert_shows(&backend, &TestRun::table("", &[(DAY, "new")])).await;
}

#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn minio_distinguishes_missing_parts_from_a_missing_upload() {
    let backend = Backend::minio().await;
    let store = backend.store().await;
    let objects = store.objects();
    let part = Path::from("job/table/part.parquet");
    let staging = Path::from("_drivetrain/job/staging/attempt/000001");
    let upload = objects.open_upload(&part, &staging).await.unwrap();
    let tag = "d41d8cd98f00b204e9800998ecf8427e".to_owned();
    let answer = objects.complete(&part, &upload, &[tag]).await.unwrap();
    assert_eq!(answer, Completion::PartsMissing);
    objects.abort(&part, &upload).await.unwrap();
}

/// Kills a process, so that its connections break in the middle of completions.
#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn a_publish_that_is_cut_off_on_minio_is_finished_by_the_same_command() {
    let kind = Backend::minio().await;
    let days: Vec<String> = (0..300).map(|day| format!("2024-{day:03}")).collect();
    let days: Vec<(&str, &str)> = days.iter().map(|day| (day.as_str(), "text")).collect();
    let test_run = TestRun::table("many days", &days);
    for milliseconds in [3, 20, 80] {
        let backend = kind.fresh();
        let (store, other) = (backend.store().await, backend.store().await);
        let cut_off = test_run.clone();
        let running = tokio::spawn(async move { run_quietly(&store, &cut_off).await });
        while other.look(&Path::from(RECORD_1)).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        running.abort();
        running.await.ok();
        let store = backend.store().await;
        run_quietly(&store, &test_run).await.unwrap();
        // `vacuum` will remove the notes of the attempt that was cut off.
        assert_eq!(listed(&store).await, test_run.expected());
        assert_eq!(logged(&store).await, test_run.expected());
    }
}
