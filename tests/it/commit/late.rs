//! A publisher that comes late, or is told what is not so: what it looks at before it gives a run up, and what it leaves.

use std::sync::{Arc, Mutex};

use drivetrain_runner::commit::{
    self, CommitOutcome, Committed, Decision, Log, OpenOptions, OutputPlan, Partition,
    PublishOutcome, Repaired, Replaces, RunStatus, StopSignal, Unfenced, repair, runs,
};
use drivetrain_runner::store::Store;
use object_store::ObjectStoreExt;

use crate::commit::faults::{
    DAY, RECORD_1, RECORD_2, completes, crashes, faulty, shows, stage, work,
};
use crate::support::backends::Backend;
use crate::support::commit_work::{
    Done, JOB, TABLE, Work, columns, leftovers, logged, run_quietly, visible,
};
use crate::support::store_faults::{Call, Fault, Faulty, Operation, Shared};

const MARK_1: &str = "_drivetrain/job/log/00000000000000000001.published";
const MARK_2: &str = "_drivetrain/job/log/00000000000000000002.published";

async fn committed(store: &Store) -> Committed {
    let staged = stage(store, "late", Replaces::Table).await;
    match staged
        .commit(&Unfenced, &StopSignal::never())
        .await
        .unwrap()
    {
        CommitOutcome::Committed(committed) => committed,
        other => panic!("nobody else is there, and {other:?}"),
    }
}

#[tokio::test]
async fn an_object_of_another_size_is_no_part() {
    let backend = Backend::memory();
    let store = faulty(&backend, Fault::Pretend, usize::MAX, completes).await;
    let committed = committed(&store).await;
    for part in committed.record().as_run().unwrap().parts() {
        let key = part.path().unwrap();
        backend
            .objects()
            .await
            .put(&key, "cut".into())
            .await
            .unwrap();
    }
    let outcome = committed.publish(&StopSignal::never()).await.unwrap();
    assert!(matches!(outcome, PublishOutcome::StartAgain));
    assert_eq!(visible(&backend.store().await).await, [].into());
}

#[tokio::test]
async fn a_record_that_voids_is_marked_by_whoever_put_it() {
    let backend = Backend::memory();
    let store = faulty(&backend, Fault::Pretend, 1, completes).await;
    let outcome = committed(&store).await.publish(&StopSignal::never()).await;
    assert!(matches!(outcome.unwrap(), PublishOutcome::StartAgain));
    let store = backend.store().await;
    assert!(store.look(&MARK_2.into()).await.unwrap().is_some());
    assert!(store.look(&MARK_1.into()).await.unwrap().is_none());
}

/// A completion that is under way when its upload is aborted may still win: the run that was taken for lost is not, and another
/// one stands behind it.
#[tokio::test]
async fn a_run_behind_ones_own_means_that_ones_own_was_published() {
    let backend = Backend::memory();
    let reads_next = |call: &Call| call.operation == Operation::Get && call.key == RECORD_2;
    let (late, mut heard) = Faulty::new(backend.objects().await, move |_, call| {
        if completes(call) || call.operation == Operation::Abort {
            Some(Fault::Pretend)
        } else {
            reads_next(call).then_some(Fault::Pause)
        }
    });
    let store = Store::over(backend.location(), Arc::new(Shared(Arc::clone(&late))));
    let committed = committed(&store).await;
    let publishing = tokio::spawn(async move { committed.publish(&StopSignal::never()).await });
    heard.recv().await.unwrap();
    let store = backend.store().await;
    assert_eq!(repair(&store, JOB).await.unwrap(), Repaired::Published(1));
    let next = Work::table("next", &[(DAY, "next")]);
    assert_eq!(
        run_quietly(&store, &next).await.unwrap(),
        Done::Published(2)
    );
    late.go_on();
    let outcome = publishing.await.unwrap().unwrap();
    assert!(matches!(outcome, PublishOutcome::Published(_)));
    assert_eq!(logged(&store).await, next.expected());
    let statuses = runs(&store, JOB)
        .await
        .unwrap()
        .into_iter()
        .map(|line| line.status);
    assert_eq!(statuses.collect::<Vec<_>>(), [RunStatus::Published; 2]);
}

/// Of two parts of a committed run one is dropped by the store; who publishes it completes the other first.
async fn half_lost(backend: &Backend) {
    let store = backend.store().await;
    let log = Log::read(&store, JOB).await.unwrap();
    let table = log.state().table(TABLE).unwrap();
    let part = table.parts.last().unwrap();
    let key = part.path().unwrap();
    backend
        .objects()
        .await
        .abort(&key, &part.upload.id)
        .await
        .unwrap();
}

#[tokio::test]
async fn who_finds_its_own_run_voided_takes_back_what_it_completed() {
    let backend = Backend::memory();
    let mut left = 2;
    let (one, mut heard) = Faulty::new(backend.objects().await, move |_, call| {
        let waits = completes(call) && left > 0;
        left -= usize::from(waits);
        waits.then_some(Fault::Pause)
    });
    let store = Store::over(backend.location(), Arc::new(Shared(Arc::clone(&one))));
    let running = tokio::spawn(async move { run_quietly(&store, &work()).await });
    heard.recv().await.unwrap();
    heard.recv().await.unwrap();
    half_lost(&backend).await;
    // Another one gives it up, while the completion is under way that its abort does not reach.
    let (other, _heard) = Faulty::new(backend.objects().await, |_, call| {
        (completes(call) || call.operation == Operation::Abort).then_some(Fault::Pretend)
    });
    let store = Store::over(backend.location(), Arc::new(Shared(other)));
    repair(&store, JOB).await.unwrap_err();
    one.go_on();
    // A permit is kept for one who waits, not for two.
    tokio::task::yield_now().await;
    one.go_on();
    assert_eq!(running.await.unwrap().unwrap(), Done::Published(3));
    shows(&backend, &work()).await;
}

#[tokio::test]
async fn a_void_that_was_cut_off_twice_is_finished_by_the_third() {
    let backend = Backend::memory();
    crashes(&backend, &work(), completes).await;
    half_lost(&backend).await;
    let deletes = |call: &Call| call.operation == Operation::Delete && call.key.starts_with(JOB);
    for _ in 0..2 {
        crashes(&backend, &work(), deletes).await;
        let store = backend.store().await;
        assert!(store.look(&RECORD_2.into()).await.unwrap().is_some());
        assert!(store.look(&MARK_2.into()).await.unwrap().is_none());
    }
    assert_eq!(
        run_quietly(&backend.store().await, &work()).await.unwrap(),
        Done::Published(3)
    );
    assert_eq!(visible(&backend.store().await).await, work().expected());
}

#[tokio::test]
async fn parts_last_before_their_record_and_what_is_new_before_what_it_replaces_goes() {
    let backend = Backend::memory();
    let old = Work::table("old", &[(DAY, "old")]);
    run_quietly(&backend.store().await, &old).await.unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&calls);
    let (store, _events) = Faulty::new(backend.objects().await, move |_, call| {
        heard.lock().unwrap().push(call.clone());
        None
    });
    let store = Store::over(backend.location(), Arc::new(Shared(store)));
    assert_eq!(
        run_quietly(&store, &work()).await.unwrap(),
        Done::Published(2)
    );
    let calls = calls.lock().unwrap();
    let last =
        |found: &dyn Fn(&Call) -> bool| calls.iter().rposition(found).expect("it was called");
    let first =
        |found: &dyn Fn(&Call) -> bool| calls.iter().position(found).expect("it was called");
    let in_table = |call: &Call| call.key.starts_with("job/");
    let record = first(&|call| call.operation == Operation::Put && call.key == RECORD_2);
    assert!(last(&|call| call.operation == Operation::Seal) < record);
    let settled = last(&|call| call.operation == Operation::Settle && in_table(call));
    assert!(last(&|call| completes(call)) < settled);
    let deleted = first(&|call| call.operation == Operation::Delete && in_table(call));
    assert!(settled < deleted);
    let marked = first(&|call| call.operation == Operation::Put && call.key == MARK_2);
    assert!(last(&|call| call.operation == Operation::Delete && in_table(call)) < marked);
    assert!(
        !calls
            .iter()
            .any(|call| call.key == RECORD_1 && call.operation == Operation::Put)
    );
}

#[tokio::test]
async fn a_part_that_cannot_be_completed_now_keeps_no_other_from_it() {
    let backend = Backend::memory();
    let first = |call: &Call| completes(call) && call.key.contains("-000001.");
    let store = faulty(&backend, Fault::FailBefore, usize::MAX, first).await;
    let error = run_quietly(&store, &work()).await.unwrap_err();
    assert_eq!(error.to_string(), "committed, publish pending");
    let shown: usize = visible(&backend.store().await)
        .await
        .values()
        .map(Vec::len)
        .sum();
    assert_eq!(shown, 1);
    repair(&backend.store().await, JOB).await.unwrap();
    assert_eq!(visible(&backend.store().await).await, work().expected());
}

#[tokio::test]
async fn a_voided_record_at_ones_number_is_no_conflict() {
    let backend = Backend::memory();
    let staged = stage(&backend.store().await, "mine", Replaces::Table).await;
    crashes(&backend, &work(), completes).await;
    half_lost(&backend).await;
    repair(&backend.store().await, JOB).await.unwrap_err();
    let outcome = staged
        .commit(&Unfenced, &StopSignal::never())
        .await
        .unwrap();
    let CommitOutcome::Committed(committed) = outcome else {
        panic!("what stood there is void")
    };
    assert_eq!(committed.record().number, 3);
    let outcome = committed.publish(&StopSignal::never()).await.unwrap();
    assert!(matches!(outcome, PublishOutcome::Published(_)));
}

#[tokio::test]
async fn an_upload_that_no_part_of_the_record_needs_is_taken_back() {
    let backend = Backend::folder();
    let store = backend.store().await;
    let plan = OutputPlan {
        table: TABLE.to_owned(),
        columns: columns(),
        replaces: Replaces::Table,
    };
    let opened = commit::open(&store, JOB, vec![plan], OpenOptions::default()).await;
    let id = work().run_id(Vec::new());
    let Decision::Run(attempt) = opened.unwrap().decide(id, &[], false).await.unwrap() else {
        panic!("not done yet")
    };
    let mut parts = Vec::new();
    for text in ["needed", "not needed"] {
        let day = Partition::of([("day", DAY)]).unwrap();
        let mut part = attempt.part(TABLE, day, "txt").await.unwrap();
        part.write(text.into()).await.unwrap();
        parts.push(part.finish(1).await.unwrap());
    }
    parts.truncate(1);
    let rows = [(TABLE.to_owned(), 1)].into();
    let staged = attempt
        .stage(parts, &rows, serde_json::Value::Null)
        .await
        .unwrap();
    let CommitOutcome::Committed(committed) = staged
        .commit(&Unfenced, &StopSignal::never())
        .await
        .unwrap()
    else {
        panic!("nobody else is there")
    };
    let _ = committed.publish(&StopSignal::never()).await.unwrap();
    assert_eq!(leftovers(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn rows_that_do_not_add_up_and_parts_in_no_partition_are_never_committed() {
    let backend = Backend::memory();
    let store = backend.store().await;
    for (partition, rows, says) in [
        (
            Partition::of([("day", DAY)]).unwrap(),
            2,
            "expected 2 rows in its parts, got 1",
        ),
        (Partition::whole(), 1, "lies in no partition of `day`"),
    ] {
        let plan = OutputPlan {
            table: TABLE.to_owned(),
            columns: columns(),
            replaces: Replaces::Table,
        };
        let opened = commit::open(&store, JOB, vec![plan], OpenOptions::default()).await;
        let id = work().run_id(Vec::new());
        let Decision::Run(attempt) = opened.unwrap().decide(id, &[], false).await.unwrap() else {
            panic!("not done yet")
        };
        let mut part = attempt.part(TABLE, partition, "txt").await.unwrap();
        part.write("x".into()).await.unwrap();
        let parts = vec![part.finish(1).await.unwrap()];
        let rows = [(TABLE.to_owned(), rows)].into();
        let error = attempt.stage(parts, &rows, serde_json::Value::Null).await;
        let error = error.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(leftovers(&store).await, Vec::<String>::new());
    }
}
