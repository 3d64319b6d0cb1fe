//! One disturbance at each call of the store, one after the other, on memory and on a folder: the process ends, the call fails,
//! a stop comes, or another process does its run in between. Then the same command again: bytes and log must be as if nothing had
//! happened.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::time::Duration;

use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{Log, RunStatus, Stopper, VacuumOptions, runs, vacuum};
use drivetrain_runner::store::{Location, Store};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::support::backends::Backend;
use crate::support::commit_work::{
    Done, JOB, Visible, Work, leftovers, logged, run, run_quietly, visible,
};
use crate::support::store_faults::{Call, Fault, Faulty, Operation, Shared};

const DAYS: [&str; 3] = ["2024-01-01", "2024-02-01", "2024-03-01"];

fn before() -> Work {
    Work::table("before", &[(DAYS[0], "old a"), (DAYS[1], "old b")])
}

fn after() -> Work {
    Work::table("after", &[(DAYS[1], "new b"), (DAYS[2], "new c")])
}

/// The fault at the call of a number; what it hears of.
async fn faulty(
    backend: &Backend,
    at: usize,
    fault: Fault,
) -> (Store, Arc<Faulty>, UnboundedReceiver<Call>) {
    // A process that ends around a read has done what one did that ended at the change before: where calls cost time, only
    // those that change something are tried.
    let changes_only = ends(fault) && backend.location() != Location::Memory;
    let mut number = 0;
    let chooser = move |_, call: &Call| {
        let reads = matches!(
            call.operation,
            Operation::Get | Operation::Head | Operation::List
        );
        number += usize::from(!(reads && changes_only));
        (number == at && !(reads && changes_only)).then_some(fault)
    };
    let (faulty, heard) = Faulty::new(backend.objects().await, chooser);
    let store = Store::over(backend.location(), Arc::new(Shared(Arc::clone(&faulty))));
    (store, faulty, heard)
}

fn ends(fault: Fault) -> bool {
    matches!(fault, Fault::CrashBefore | Fault::CrashAfter)
}

async fn prepared(kind: &Backend) -> Backend {
    let backend = kind.fresh();
    run_quietly(&backend.store().await, &before())
        .await
        .unwrap();
    backend
}

/// Live records of a run by name: no run is ever applied twice.
async fn live_runs(store: &Store) -> usize {
    let lines = runs(store, JOB).await.unwrap();
    let live = |status| matches!(status, RunStatus::Published | RunStatus::Pending);
    lines.iter().filter(|line| live(line.status)).count()
}

/// After the same command again: what is seen, what is logged, and nothing left once vacuum came by.
async fn settled(backend: &Backend, expected: &Visible, live: usize, context: &str) {
    let store = backend.store().await;
    assert_eq!(visible(&store).await, *expected, "{context}");
    assert_eq!(logged(&store).await, *expected, "{context}");
    assert_eq!(live_runs(&store).await, live, "{context}");
    let options = VacuumOptions {
        retention: Duration::ZERO,
        quarantine: None,
    };
    vacuum(&store, JOB, options).await.unwrap();
    assert_eq!(leftovers(&store).await, Vec::<String>::new(), "{context}");
    assert_eq!(visible(&store).await, *expected, "{context}");
}

/// Ends the process at each call; the old table is seen until the commit, and nothing but the new one after the next command.
async fn crashes_everywhere(kind: &Backend, fault: Fault) {
    let mut calls = 0;
    for at in 1.. {
        let backend = prepared(kind).await;
        let (store, _faulty, mut heard) = faulty(&backend, at, fault).await;
        let work = after();
        let crashed = tokio::select! {
            done = run_quietly(&store, &work) => {
                done.unwrap();
                None
            }
            call = heard.recv() => call,
        };
        let Some(call) = crashed else {
            calls = at;
            break;
        };
        let context = format!("{fault:?} at call {at}: {call:?}");
        let store = backend.store().await;
        if Log::read(&store, JOB).await.unwrap().last() == 1 {
            assert_eq!(visible(&store).await, before().expected(), "{context}");
        }
        run_quietly(&store, &after()).await.expect(&context);
        settled(&backend, &after().expected(), 2, &context).await;
    }
    assert!(calls > 15, "only {calls} calls");
}

#[tokio::test]
async fn a_process_that_ends_before_any_call_is_made_good_in_memory() {
    crashes_everywhere(&Backend::memory(), Fault::CrashBefore).await;
}

#[tokio::test]
async fn a_process_that_ends_after_any_call_is_made_good_in_memory() {
    crashes_everywhere(&Backend::memory(), Fault::CrashAfter).await;
}

#[tokio::test]
async fn a_process_that_ends_before_any_call_is_made_good_in_a_folder() {
    crashes_everywhere(&Backend::folder(), Fault::CrashBefore).await;
}

#[tokio::test]
async fn a_process_that_ends_after_any_call_is_made_good_in_a_folder() {
    crashes_everywhere(&Backend::folder(), Fault::CrashAfter).await;
}

#[tokio::test]
async fn a_process_that_ends_at_any_call_is_made_good_on_an_s3_server_in_this_process() {
    crashes_everywhere(&Backend::s3().await, Fault::CrashAfter).await;
}

#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn a_process_that_ends_at_any_call_is_made_good_on_minio() {
    let kind = Backend::minio().await;
    crashes_everywhere(&kind, Fault::CrashBefore).await;
    crashes_everywhere(&kind, Fault::CrashAfter).await;
}

/// Fails one call; the run succeeds or says that it did not, and the same command ends as if nothing had happened.
async fn fails_everywhere(kind: &Backend, fault: Fault) {
    for at in 1.. {
        let backend = prepared(kind).await;
        let (store, _faulty, _heard) = faulty(&backend, at, fault).await;
        let first = run_quietly(&store, &after()).await;
        let context = format!("{fault:?} at call {at}: {first:?}");
        let calls = store.requests();
        let calls =
            calls.get + calls.head + calls.put + calls.list + calls.delete + calls.multipart;
        if first.is_ok() {
            assert_eq!(
                logged(&backend.store().await).await,
                after().expected(),
                "{context}"
            );
        }
        run_quietly(&backend.store().await, &after())
            .await
            .expect(&context);
        settled(&backend, &after().expected(), 2, &context).await;
        if at > usize::try_from(calls).unwrap() + 5 {
            return;
        }
    }
}

#[tokio::test]
async fn a_call_that_times_out_without_effect_is_made_good() {
    fails_everywhere(&Backend::memory(), Fault::FailBefore).await;
}

#[tokio::test]
async fn a_call_that_times_out_with_its_effect_is_made_good() {
    fails_everywhere(&Backend::memory(), Fault::FailAfter).await;
}

#[tokio::test]
async fn a_call_that_times_out_in_a_folder_is_made_good() {
    fails_everywhere(&Backend::folder(), Fault::FailAfter).await;
}

/// A stop at each call: 143 means that nothing was committed and nothing is left, 75 that the same command settles it.
async fn stops_everywhere(kind: &Backend) {
    let mut seen = std::collections::BTreeSet::new();
    for at in 1.. {
        let backend = prepared(kind).await;
        let (store, faulty, mut heard) = faulty(&backend, at, Fault::Pause).await;
        let (stopper, stop) = Stopper::new();
        let task = tokio::spawn(async move { run(&store, &after(), &stop).await });
        let paused = tokio::select! {
            call = heard.recv() => call,
            () = async { while !task.is_finished() { tokio::task::yield_now().await } } => None,
        };
        let Some(call) = paused else {
            task.await.unwrap().unwrap();
            break;
        };
        stopper.stop();
        faulty.go_on();
        let done = task.await.unwrap();
        let context = format!("stop at call {at}: {call:?}: {done:?}");
        let store = backend.store().await;
        match &done {
            Ok(_) => assert_eq!(visible(&store).await, after().expected(), "{context}"),
            Err(error) if error.kind() == ErrorKind::Cancelled => {
                assert_eq!(visible(&store).await, before().expected(), "{context}");
                assert_eq!(live_runs(&store).await, 1, "{context}");
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::TryAgain, "{context}"),
        }
        seen.insert(
            done.err()
                .map(|error| drivetrain_runner::exit::code(error.kind())),
        );
        run_quietly(&store, &after()).await.expect(&context);
        settled(&backend, &after().expected(), 2, &context).await;
    }
    assert!(
        seen.contains(&Some(143)) && seen.contains(&None),
        "{seen:?}"
    );
}

#[tokio::test]
async fn a_stop_at_any_call_leaves_all_or_nothing_in_memory() {
    stops_everywhere(&Backend::memory()).await;
}

#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn a_stop_or_another_process_at_any_call_is_met_on_minio() {
    let kind = Backend::minio().await;
    stops_everywhere(&kind).await;
    meets_everywhere(
        &kind,
        &after(),
        &after(),
        async |backend, done, met, context| {
            assert_eq!(done.expect(context).number(), met.number(), "{context}");
            settled(backend, &after().expected(), 2, context).await;
        },
    )
    .await;
}

#[tokio::test]
async fn a_stop_at_any_call_leaves_all_or_nothing_in_a_folder() {
    stops_everywhere(&Backend::folder()).await;
}

/// Another process does `other` while `one` is held at each of its calls in turn.
async fn meets_everywhere(
    kind: &Backend,
    one: &Work,
    other: &Work,
    check: impl AsyncFn(&Backend, Result<Done, ErrorKind>, Done, &str),
) {
    for at in 1.. {
        let backend = prepared(kind).await;
        let (store, faulty, mut heard) = faulty(&backend, at, Fault::Pause).await;
        let work = one.clone();
        let task = tokio::spawn(async move { run_quietly(&store, &work).await });
        let paused = tokio::select! {
            call = heard.recv() => call,
            () = async { while !task.is_finished() { tokio::task::yield_now().await } } => None,
        };
        let Some(call) = paused else {
            task.await.unwrap().unwrap();
            break;
        };
        let context = format!("met at call {at}: {call:?}");
        let met = run_quietly(&backend.store().await, other)
            .await
            .expect(&context);
        faulty.go_on();
        let done = task.await.unwrap();
        let done = done.map_err(|error| error.kind());
        let context = format!("{context}: {done:?}, then {met:?}");
        check(&backend, done, met, &context).await;
    }
}

#[tokio::test]
async fn the_same_run_by_two_processes_is_applied_once() {
    for kind in [Backend::memory(), Backend::folder()] {
        meets_everywhere(
            &kind,
            &after(),
            &after(),
            async |backend, done, met, context| {
                assert_eq!(done.expect(context).number(), met.number(), "{context}");
                settled(backend, &after().expected(), 2, context).await;
            },
        )
        .await;
    }
}

#[tokio::test]
async fn of_two_runs_on_one_table_the_one_that_did_not_see_the_other_is_refused() {
    let other = Work::table("other", &[(DAYS[0], "other a")]);
    for kind in [Backend::memory(), Backend::folder()] {
        meets_everywhere(
            &kind,
            &after(),
            &other,
            async |backend, done, met, context| {
                // Whoever has the later record is seen; a conflict means that nothing of it is.
                let (expected, live) = match done {
                    Ok(done) if done.number() > met.number() => (after().expected(), 3),
                    Ok(_) => (other.expected(), 3),
                    Err(kind) => {
                        assert_eq!(kind, ErrorKind::Conflict, "{context}");
                        (other.expected(), 2)
                    }
                };
                settled(backend, &expected, live, context).await;
            },
        )
        .await;
    }
}

#[tokio::test]
async fn windows_that_do_not_touch_are_filled_side_by_side() {
    let one = Work::window("one", DAYS[1], DAYS[1], &[(DAYS[1], "one")]);
    let other = Work::window("other", DAYS[2], DAYS[2], &[(DAYS[2], "other")]);
    let expected = Work::table(
        "",
        &[(DAYS[0], "old a"), (DAYS[1], "one"), (DAYS[2], "other")],
    );
    for kind in [Backend::memory(), Backend::folder()] {
        meets_everywhere(&kind, &one, &other, async |backend, done, _, context| {
            done.expect(context);
            settled(backend, &expected.expected(), 3, context).await;
        })
        .await;
    }
}
