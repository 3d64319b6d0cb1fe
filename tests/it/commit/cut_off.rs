//! Uploads whose parts are gone because whoever completed them was cut off: what `MinIO` leaves behind then.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{RunStatus, Stopper, runs};
use drivetrain_runner::store::{Completion, Store};
use object_store::path::Path;

use crate::commit::faults::{RECORD_1, completes, faulty, shows, work};
use crate::support::backends::Backend;
use crate::support::commit_work::{Done, JOB, Work, logged, run, run_quietly, visible};
use crate::support::store_faults::{Call, Fault, Faulty, Shared};

#[tokio::test]
async fn an_upload_whose_parts_the_store_has_lost_is_lost_only_when_that_stays_so() {
    let backend = Backend::memory();
    let store = faulty(&backend, Fault::LoseParts, 4, completes).await;
    assert_eq!(
        run_quietly(&store, &work()).await.unwrap(),
        Done::Published(1)
    );
    shows(&backend, &work()).await;

    let backend = Backend::memory();
    let upload = Arc::new(Mutex::new(None));
    let first = move |_: usize, call: &Call| {
        // One upload is broken for good.
        let mut upload = upload.lock().unwrap();
        let broken = completes(call) && *upload.get_or_insert_with(|| call.key.clone()) == call.key;
        broken.then_some(Fault::LoseParts)
    };
    let (store, _heard) = Faulty::new(backend.objects().await, first);
    let store = Store::over(backend.location(), Arc::new(Shared(store)));
    assert_eq!(
        run_quietly(&store, &work()).await.unwrap(),
        Done::Published(3)
    );
    shows(&backend, &work()).await;
    let lines = runs(&backend.store().await, JOB).await.unwrap();
    let statuses: Vec<_> = lines.iter().map(|line| line.status).collect();
    assert_eq!(
        statuses,
        [RunStatus::Voided, RunStatus::Void, RunStatus::Published]
    );
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_is_told_to_stop_waits_for_what_it_asked_for_and_asks_for_no_more() {
    let backend = Backend::memory();
    let days: Vec<String> = (0..60).map(|day| format!("2024-{day:03}")).collect();
    let days: Vec<(&str, &str)> = days.iter().map(|day| (day.as_str(), "text")).collect();
    let work = Work::table("work", &days);
    let (faulty, mut heard) = Faulty::new(backend.objects().await, |_, call| {
        completes(call).then_some(Fault::Pause)
    });
    let store = Store::over(backend.location(), Arc::new(Shared(Arc::clone(&faulty))));
    let (stopper, stop) = Stopper::new();
    let told = async {
        heard.recv().await;
        stopper.stop();
        // Not before nothing new is begun, and not after two seconds.
        tokio::time::sleep(Duration::from_millis(1_600)).await;
        let mut begun = 1;
        while heard.try_recv().is_ok() {
            begun += 1;
        }
        for _ in 0..begun {
            faulty.go_on();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        begun
    };
    let (ended, begun) = tokio::join!(run(&store, &work, &stop), told);
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    assert_eq!(error.to_string(), "committed, publish pending");
    assert!(begun < days.len());
    let shown: usize = visible(&backend.store().await)
        .await
        .values()
        .map(Vec::len)
        .sum();
    assert_eq!(shown, begun);
    let done = run_quietly(&backend.store().await, &work).await.unwrap();
    assert_eq!(done, Done::Already(1));
    assert_eq!(visible(&backend.store().await).await, work.expected());
}

#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn minio_tells_parts_that_are_missing_from_an_upload_that_is() {
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

/// The connections of a process that is killed break in the middle of completions.
#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn a_publish_that_is_cut_off_on_minio_is_made_good_by_the_same_command() {
    let kind = Backend::minio().await;
    let days: Vec<String> = (0..300).map(|day| format!("2024-{day:03}")).collect();
    let days: Vec<(&str, &str)> = days.iter().map(|day| (day.as_str(), "text")).collect();
    let work = Work::table("work", &days);
    for milliseconds in [3, 20, 80] {
        let backend = kind.fresh();
        let (store, other) = (backend.store().await, backend.store().await);
        let cut_off = work.clone();
        let run = tokio::spawn(async move { run_quietly(&store, &cut_off).await });
        while other.look(&Path::from(RECORD_1)).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        run.abort();
        run.await.ok();
        let store = backend.store().await;
        run_quietly(&store, &work).await.unwrap();
        // The notes of the attempt that was cut off are left to `vacuum`.
        assert_eq!(visible(&store).await, work.expected());
        assert_eq!(logged(&store).await, work.expected());
    }
}
