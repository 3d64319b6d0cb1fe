//! Disturbs a run at each of its store calls in turn, in memory and on a folder: the process crashes, the call fails,
//! the run is stopped, or another process runs in between. Then the same command runs again: bytes and log must be as
//! if nothing had happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{Log, RunStatus};
use drivetrain_runner::error::Result;
use drivetrain_runner::error::exit;
use drivetrain_runner::store::{Location, Store};
use drivetrain_runner::watch::{StopSignal, Stopper};
use tokio::task::JoinHandle;

use crate::support::backends::Backend;
use crate::support::fault_injector::{Call, Fault, FaultInjector, Operation};
use crate::support::faulty_store::Faulty;
use crate::support::table_contents::{Contents, leftovers, listed, logged, statuses};
use crate::support::test_run::{JOB, RunEnd, TestRun, run, run_quietly, vacuum_all};

const DAYS: [&str; 3] = ["2024-01-01", "2024-02-01", "2024-03-01"];

fn before() -> TestRun {
    TestRun::table("before", &[(DAYS[0], "old a"), (DAYS[1], "old b")])
}

fn after() -> TestRun {
    TestRun::table("after", &[(DAYS[1], "new b"), (DAYS[2], "new c")])
}

/// Opens a store whose call number `at` meets a fault.
async fn faulty_at(backend: &Backend, at: usize, fault: Fault) -> Faulty {
    // A crash at a read has the same effects as a crash after the change before it. On slow backends, only changes are
    // tried.
    let ends = matches!(fault, Fault::CrashBefore | Fault::CrashAfter);
    let changes_only = ends && backend.location() != Location::Memory;
    let mut number = 0;
    Faulty::open(backend, move |_, call| {
        let reads = matches!(
            call.operation,
            Operation::Get | Operation::Head | Operation::List
        );
        if reads && changes_only {
            return None;
        }
        number += 1;
        (number == at).then_some(fault)
    })
    .await
}

async fn prepared(kind: &Backend) -> Backend {
    let backend = kind.fresh();
    run_quietly(&backend.store().await, &before())
        .await
        .unwrap();
    backend
}

/// Returns the number of live records. It is too high if a run was applied twice.
async fn live_runs(store: &Store) -> usize {
    let live = |status: &RunStatus| matches!(status, RunStatus::Published | RunStatus::Pending);
    statuses(store)
        .await
        .iter()
        .filter(|status| live(status))
        .count()
}

/// Asserts the contents of listing and log after the same command ran again, and that a vacuum leaves nothing else.
async fn assert_settled(backend: &Backend, expected: &Contents, live: usize, context: &str) {
    let store = backend.store().await;
    assert_eq!(listed(&store).await, *expected, "{context}");
    assert_eq!(logged(&store).await, *expected, "{context}");
    assert_eq!(live_runs(&store).await, live, "{context}");
    vacuum_all(&store).await.unwrap();
    assert_eq!(leftovers(&store).await, Vec::<String>::new(), "{context}");
    assert_eq!(listed(&store).await, *expected, "{context}");
}

/// Crashes the process at each call. The old table is visible until the commit, and only the new one after the next
/// command.
async fn crashes_everywhere(kind: &Backend, fault: Fault) {
    let mut calls = 0;
    for at in 1.. {
        let backend = prepared(kind).await;
        let mut faulty = faulty_at(&backend, at, fault).await;
        let test_run = after();
        let crashed = tokio::select! {
            end = run_quietly(&faulty.store, &test_run) => {
                end.unwrap();
                None
            }
            call = faulty.events.recv() => call,
        };
        let Some(call) = crashed else {
            calls = at;
            break;
        };
        let context = format!("{fault:?} at call {at}: {call:?}");
        let store = backend.store().await;
        if Log::read(&store, JOB).await.unwrap().last() == 1 {
            assert_eq!(listed(&store).await, before().expected(), "{context}");
        }
        run_quietly(&store, &after()).await.expect(&context);
        assert_settled(&backend, &after().expected(), 2, &context).await;
    }
    assert!(calls > 15, "only {calls} calls");
}

#[tokio::test]
async fn a_crash_before_any_call_is_recovered_in_memory() {
    crashes_everywhere(&Backend::memory(), Fault::CrashBefore).await;
}

#[tokio::test]
async fn a_crash_after_any_call_is_recovered_in_memory() {
    crashes_everywhere(&Backend::memory(), Fault::CrashAfter).await;
}

#[tokio::test]
async fn a_crash_before_any_call_is_recovered_in_a_folder() {
    crashes_everywhere(&Backend::folder(), Fault::CrashBefore).await;
}

#[tokio::test]
async fn a_crash_after_any_call_is_recovered_in_a_folder() {
    crashes_everywhere(&Backend::folder(), Fault::CrashAfter).await;
}

#[tokio::test]
async fn a_crash_after_any_call_is_recovered_on_an_s3_server_in_this_process() {
    crashes_everywhere(&Backend::s3().await, Fault::CrashAfter).await;
}

#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn a_crash_at_any_call_is_recovered_on_minio() {
    let kind = Backend::minio().await;
    crashes_everywhere(&kind, Fault::CrashBefore).await;
    crashes_everywhere(&kind, Fault::CrashAfter).await;
}

/// Fails each call in turn. The run succeeds or reports its failure. After the same command ran again, all is as if
/// nothing had happened.
async fn fails_everywhere(kind: &Backend, fault: Fault) {
    for at in 1.. {
        let backend = prepared(kind).await;
        let store = faulty_at(&backend, at, fault).await.store;
        let first = run_quietly(&store, &after()).await;
        let context = format!("{fault:?} at call {at}: {first:?}");
        let calls = store.requests();
        let calls =
            calls.get + calls.head + calls.put + calls.list + calls.delete + calls.multipart;
        let store = backend.store().await;
        if first.is_ok() {
            assert_eq!(logged(&store).await, after().expected(), "{context}");
        }
        run_quietly(&store, &after()).await.expect(&context);
        assert_settled(&backend, &after().expected(), 2, &context).await;
        if at > usize::try_from(calls).unwrap() + 5 {
            return;
        }
    }
}

#[tokio::test]
async fn a_timeout_without_effect_at_any_call_is_recovered() {
    fails_everywhere(&Backend::memory(), Fault::FailBefore).await;
}

#[tokio::test]
async fn a_timeout_after_its_effect_at_any_call_is_recovered() {
    fails_everywhere(&Backend::memory(), Fault::FailAfter).await;
}

#[tokio::test]
async fn a_timeout_at_any_call_is_recovered_in_a_folder() {
    fails_everywhere(&Backend::folder(), Fault::FailAfter).await;
}

/// A run that is paused at one of its calls.
struct PausedRun {
    call: Call,
    injector: Arc<FaultInjector>,
    task: JoinHandle<Result<RunEnd>>,
}

impl PausedRun {
    /// Starts a run and pauses it at call number `at`; `None` if the run succeeds with fewer calls.
    async fn start(
        backend: &Backend,
        at: usize,
        test_run: TestRun,
        stop: StopSignal,
    ) -> Option<Self> {
        let Faulty {
            store,
            injector,
            mut events,
        } = faulty_at(backend, at, Fault::Pause).await;
        let task = tokio::spawn(async move { run(&store, &test_run, &stop).await });
        let paused = tokio::select! {
            call = events.recv() => call,
            () = async { while !task.is_finished() { tokio::task::yield_now().await } } => None,
        };
        let Some(call) = paused else {
            task.await.unwrap().unwrap();
            return None;
        };
        Some(Self {
            call,
            injector,
            task,
        })
    }

    async fn finish(self) -> Result<RunEnd> {
        self.injector.resume();
        self.task.await.unwrap()
    }
}

/// Stops the run at each call. Exit code 143 means that nothing was committed and nothing is left, 75 that the same
/// command decides the outcome.
async fn stops_everywhere(kind: &Backend) {
    let mut seen = BTreeSet::new();
    for at in 1.. {
        let backend = prepared(kind).await;
        let (stopper, stop) = Stopper::new();
        let Some(paused) = PausedRun::start(&backend, at, after(), stop).await else {
            break;
        };
        stopper.stop();
        let call = paused.call.clone();
        let end = paused.finish().await;
        let context = format!("stop at call {at}: {call:?}: {end:?}");
        let store = backend.store().await;
        match &end {
            Ok(_) => assert_eq!(listed(&store).await, after().expected(), "{context}"),
            Err(error) if error.kind() == ErrorKind::Cancelled => {
                assert_eq!(listed(&store).await, before().expected(), "{context}");
                assert_eq!(live_runs(&store).await, 1, "{context}");
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::TryAgain, "{context}"),
        }
        seen.insert(end.err().map(|error| exit::code(error.kind())));
        run_quietly(&store, &after()).await.expect(&context);
        assert_settled(&backend, &after().expected(), 2, &context).await;
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
async fn a_stop_at_any_call_leaves_all_or_nothing_in_a_folder() {
    stops_everywhere(&Backend::folder()).await;
}

#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn a_stop_or_another_process_at_any_call_is_handled_on_minio() {
    let kind = Backend::minio().await;
    stops_everywhere(&kind).await;
    meets_itself_everywhere(&kind).await;
}

/// Pauses `one` at each of its calls in turn, while another process runs `other`.
async fn meets_everywhere(
    kind: &Backend,
    one: &TestRun,
    other: &TestRun,
    check: impl AsyncFn(&Backend, Result<RunEnd, ErrorKind>, RunEnd, &str),
) {
    for at in 1.. {
        let backend = prepared(kind).await;
        let paused = PausedRun::start(&backend, at, one.clone(), StopSignal::never()).await;
        let Some(paused) = paused else {
            break;
        };
        let context = format!("met at call {at}: {:?}", paused.call);
        let met = run_quietly(&backend.store().await, other).await;
        let met = met.expect(&context);
        let end = paused.finish().await.map_err(|error| error.kind());
        let context = format!("{context}: {end:?}, then {met:?}");
        check(&backend, end, met, &context).await;
    }
}

/// Pauses a run at each of its calls in turn, while another process does the same run.
async fn meets_itself_everywhere(kind: &Backend) {
    meets_everywhere(
        kind,
        &after(),
        &after(),
        async |backend, end, met, context| {
            assert_eq!(end.expect(context).number(), met.number(), "{context}");
            assert_settled(backend, &after().expected(), 2, context).await;
        },
    )
    .await;
}

#[tokio::test]
async fn the_same_run_by_two_processes_is_applied_once() {
    for kind in [Backend::memory(), Backend::folder()] {
        meets_itself_everywhere(&kind).await;
    }
}

#[tokio::test]
async fn of_two_runs_on_one_table_the_one_that_did_not_see_the_other_is_refused() {
    let other = TestRun::table("other", &[(DAYS[0], "other a")]);
    for kind in [Backend::memory(), Backend::folder()] {
        meets_everywhere(
            &kind,
            &after(),
            &other,
            async |backend, end, met, context| {
                // The run with the later record is visible. A run that ended in a conflict is not visible at all.
                let (expected, live) = match end {
                    Ok(end) if end.number() > met.number() => (after().expected(), 3),
                    Ok(_) => (other.expected(), 3),
                    Err(kind) => {
                        assert_eq!(kind, ErrorKind::Conflict, "{context}");
                        (other.expected(), 2)
                    }
                };
                assert_settled(backend, &expected, live, context).await;
            },
        )
        .await;
    }
}

#[tokio::test]
async fn disjoint_windows_are_filled_concurrently() {
    let one = TestRun::window("one", DAYS[1], DAYS[1], &[(DAYS[1], "one")]);
    let other = TestRun::window("other", DAYS[2], DAYS[2], &[(DAYS[2], "other")]);
    let expected = TestRun::table(
        "",
        &[(DAYS[0], "old a"), (DAYS[1], "one"), (DAYS[2], "other")],
    );
    for kind in [Backend::memory(), Backend::folder()] {
        meets_everywhere(&kind, &one, &other, async |backend, end, _, context| {
            end.expect(context);
            assert_settled(backend, &expected.expected(), 3, context).await;
        })
        .await;
    }
}
