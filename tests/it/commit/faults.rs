//! Answers of a store that decide nothing, uploads that it lost, and who finds them.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{
    self, CommitOutcome, Decision, Fence, Log, OpenOptions, OutputPlan, Partition, PublishOutcome,
    Repaired, Replaces, RunId, RunInputs, RunStatus, Staged, StopSignal, Stopper, Unfenced,
    VacuumOptions, repair, runs, vacuum,
};
use drivetrain_runner::error::{Error, Result};
use drivetrain_runner::store::Store;

use crate::support::backends::Backend;
use crate::support::commit_work::{
    Done, JOB, TABLE, Work, columns, leftovers, logged, run, run_quietly, visible,
};
use crate::support::store_faults::{Call, Fault, Faulty, Operation, Shared};

pub const DAY: &str = "2024-01-01";
pub const RECORD_1: &str = "_drivetrain/job/log/00000000000000000001.json";
pub const RECORD_2: &str = "_drivetrain/job/log/00000000000000000002.json";

pub fn work() -> Work {
    Work::table("work", &[(DAY, "a"), (DAY, "b")])
}

/// A store whose calls of one kind and key meet a fault, the first `times` times.
pub async fn faulty(
    backend: &Backend,
    fault: Fault,
    times: usize,
    matches: impl Fn(&Call) -> bool + Send + 'static,
) -> Store {
    let mut left = times;
    let chooser = move |_, call: &Call| {
        if left == 0 || !matches(call) {
            return None;
        }
        left -= 1;
        Some(fault)
    };
    let (faulty, _heard) = Faulty::new(backend.objects().await, chooser);
    Store::over(backend.location(), Arc::new(Shared(faulty)))
}

/// A process that ends before a call.
pub async fn crashes(
    backend: &Backend,
    work: &Work,
    before: impl Fn(&Call) -> bool + Send + 'static,
) {
    let chooser = move |_, call: &Call| before(call).then_some(Fault::CrashBefore);
    let (faulty, mut heard) = Faulty::new(backend.objects().await, chooser);
    let store = Store::over(backend.location(), Arc::new(Shared(faulty)));
    tokio::select! {
        done = run_quietly(&store, work) => panic!("{done:?} instead of a crash"),
        _ = heard.recv() => {}
    }
}

pub fn puts(key: &'static str) -> impl Fn(&Call) -> bool {
    move |call| call.operation == Operation::Put && call.key == key
}

pub fn completes(call: &Call) -> bool {
    call.operation == Operation::Complete
}

pub async fn shows(backend: &Backend, work: &Work) {
    let store = backend.store().await;
    assert_eq!(visible(&store).await, work.expected());
    assert_eq!(logged(&store).await, work.expected());
    assert_eq!(leftovers(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_record_that_the_store_neither_took_nor_refused_is_put_again() {
    for fault in [Fault::Undecided, Fault::FailBefore, Fault::FailAfter] {
        let backend = Backend::memory();
        let store = faulty(&backend, fault, 2, puts(RECORD_1)).await;
        assert_eq!(
            run_quietly(&store, &work()).await.unwrap(),
            Done::Published(1)
        );
        shows(&backend, &work()).await;
    }
}

#[tokio::test]
async fn a_commit_that_nobody_can_decide_is_settled_by_the_same_command() {
    for fault in [Fault::FailBefore, Fault::Undecided] {
        let backend = Backend::memory();
        let store = faulty(&backend, fault, usize::MAX, puts(RECORD_1)).await;
        let error = run_quietly(&store, &work()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TryAgain);
        assert!(
            error.to_string().ends_with("as record 1 is undecided"),
            "{error}"
        );
        assert_eq!(visible(&backend.store().await).await, [].into());
        let done = run_quietly(&backend.store().await, &work()).await;
        assert_eq!(done.unwrap(), Done::Published(1));
        assert_eq!(logged(&backend.store().await).await, work().expected());
    }
}

#[tokio::test]
async fn a_record_that_landed_and_cannot_be_read_is_found_by_the_same_command() {
    let backend = Backend::memory();
    let record = |call: &Call| {
        call.key == RECORD_1 && matches!(call.operation, Operation::Put | Operation::Get)
    };
    let store = faulty(&backend, Fault::FailAfter, usize::MAX, record).await;
    let error = run_quietly(&store, &work()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    assert_eq!(visible(&backend.store().await).await, [].into());
    let done = run_quietly(&backend.store().await, &work()).await.unwrap();
    assert_eq!(done, Done::Already(1));
    assert_eq!(logged(&backend.store().await).await, work().expected());
}

#[tokio::test]
async fn a_record_that_may_not_be_written_fails_for_good_and_leaves_nothing() {
    let backend = Backend::memory();
    let store = faulty(&backend, Fault::Forbidden, usize::MAX, puts(RECORD_1)).await;
    let error = run_quietly(&store, &work()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.to_string().contains("no permission"), "{error}");
    assert_eq!(
        leftovers(&backend.store().await).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_store_that_ignores_conditional_puts_is_refused_at_the_start() {
    let backend = Backend::memory();
    let lies = |call: &Call| call.operation == Operation::Put && call.key.contains("/probe/");
    // A second create that succeeds, as on a store that writes over.
    let (lying, _heard) = Faulty::new(backend.objects().await, move |_, call| {
        lies(call).then_some(Fault::Overwrite)
    });
    let store = Store::over(backend.location(), Arc::new(Shared(lying)));
    let error = run_quietly(&store, &work()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(
        error.to_string(),
        "`memory:/` ignores conditional puts: two runs could commit the same record"
    );
}

#[tokio::test]
async fn completions_that_time_out_are_no_loss() {
    let backend = Backend::memory();
    for fault in [Fault::FailBefore, Fault::FailAfter] {
        let backend = Backend::memory();
        let store = faulty(&backend, fault, 3, completes).await;
        assert_eq!(
            run_quietly(&store, &work()).await.unwrap(),
            Done::Published(1)
        );
        shows(&backend, &work()).await;
    }
    let store = faulty(&backend, Fault::FailBefore, usize::MAX, completes).await;
    let error = run_quietly(&store, &work()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    assert_eq!(error.to_string(), "committed, publish pending");
    let lines = runs(&backend.store().await, JOB).await.unwrap();
    assert_eq!(lines[0].status, RunStatus::Pending);
    assert_eq!(
        repair(&backend.store().await, JOB).await.unwrap(),
        Repaired::Published(1)
    );
    assert_eq!(logged(&backend.store().await).await, work().expected());
}

#[tokio::test]
async fn an_upload_that_the_store_says_it_completed_and_has_not_is_lost_and_the_run_starts_again() {
    for kind in [Backend::memory(), Backend::folder(), Backend::s3().await] {
        let backend = kind.fresh();
        let store = faulty(&backend, Fault::Pretend, 1, completes).await;
        // The first attempt is void as record 1, by record 2; the second commits record 3.
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
        assert_eq!(
            run_quietly(&backend.store().await, &work()).await.unwrap(),
            Done::Already(3)
        );
    }
}

/// Everything of a run up to its stage, as a caller does it.
pub async fn stage(store: &Store, text: &str, replaces: Replaces) -> Staged {
    let plan = OutputPlan {
        table: TABLE.to_owned(),
        columns: columns(),
        replaces,
    };
    let opened = commit::open(store, JOB, vec![plan], OpenOptions::default())
        .await
        .unwrap();
    let id = RunId::of(&RunInputs {
        job: JOB,
        files: &[],
        parameters: &[("text".to_owned(), text.to_owned())].into(),
        contracts: "",
        inputs: &[].into(),
        version: "test",
    });
    let Decision::Run(attempt) = opened.decide(id, &[], false).await.unwrap() else {
        panic!("not done yet")
    };
    let day = Partition::of([("day", DAY)]).unwrap();
    let mut part = attempt.part(TABLE, day, "txt").await.unwrap();
    part.write(text.to_owned().into()).await.unwrap();
    let part = part.finish(1).await.unwrap();
    let rows = [(TABLE.to_owned(), 1)].into();
    attempt
        .stage(vec![part], &rows, serde_json::Value::Null)
        .await
        .unwrap()
}

/// A run that is committed and whose uploads the store has dropped.
async fn lost(backend: &Backend) -> commit::Committed {
    let store = backend.store().await;
    let staged = stage(&store, "lost", Replaces::Table).await;
    let committed = staged.commit(&Unfenced, &StopSignal::never()).await;
    let CommitOutcome::Committed(committed) = committed.unwrap() else {
        panic!("nobody else is there")
    };
    for part in committed.record().as_run().unwrap().parts() {
        let key = part.path().unwrap();
        backend
            .objects()
            .await
            .abort(&key, &part.upload.id)
            .await
            .unwrap();
    }
    committed
}

#[tokio::test]
async fn a_lost_run_is_void_for_whoever_finds_it() {
    for kind in [Backend::memory(), Backend::folder(), Backend::s3().await] {
        // Its own process.
        let backend = kind.fresh();
        let committed = lost(&backend).await;
        let outcome = committed.publish(&StopSignal::never()).await.unwrap();
        assert!(matches!(outcome, PublishOutcome::StartAgain));
        assert_eq!(visible(&backend.store().await).await, [].into());

        // `repair` says that it is to be run again.
        let backend = kind.fresh();
        let committed = lost(&backend).await;
        let error = repair(&backend.store().await, JOB).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TryAgain);
        assert_eq!(
            error.to_string(),
            "record 1 of job `job` is void: the store had dropped its uploads"
        );
        // Its own process comes too late, and never says that it succeeded.
        let outcome = committed.publish(&StopSignal::never()).await.unwrap();
        assert!(matches!(outcome, PublishOutcome::StartAgain));

        // The next run.
        let backend = kind.fresh();
        let committed = lost(&backend).await;
        let done = run_quietly(&backend.store().await, &work()).await.unwrap();
        assert_eq!(done, Done::Published(3));
        let outcome = committed.publish(&StopSignal::never()).await.unwrap();
        assert!(matches!(outcome, PublishOutcome::StartAgain));
        shows(&backend, &work()).await;

        // A reader downstream, and `vacuum`.
        let backend = kind.fresh();
        let _committed = lost(&backend).await;
        let error = commit::read_table(&backend.store().await, JOB, TABLE)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InputMissing);
        let backend = kind.fresh();
        let _committed = lost(&backend).await;
        let done = vacuum(&backend.store().await, JOB, VacuumOptions::default())
            .await
            .unwrap();
        assert_eq!(done.published, Some(1));
        let log = Log::read(&backend.store().await, JOB).await.unwrap();
        assert_eq!(log.last(), 2);
    }
}

#[tokio::test]
async fn a_second_look_finds_what_another_process_completed_meanwhile() {
    let backend = Backend::memory();
    run_quietly(&backend.store().await, &work()).await.unwrap();
    // One process is told of a completion that was none, and is held before it gives the uploads up.
    let (mut told, mut held) = (false, false);
    let (one, mut one_heard) = Faulty::new(backend.objects().await, move |_, call| {
        let gives_up = call.operation == Operation::Abort;
        if completes(call) && !std::mem::replace(&mut told, true) {
            Some(Fault::Pretend)
        } else if gives_up && !std::mem::replace(&mut held, true) {
            Some(Fault::Pause)
        } else {
            None
        }
    });
    let store = Store::over(backend.location(), Arc::new(Shared(Arc::clone(&one))));
    let staged = stage(&store, "new", Replaces::Table).await;
    let committed = staged
        .commit(&Unfenced, &StopSignal::never())
        .await
        .unwrap();
    let CommitOutcome::Committed(committed) = committed else {
        panic!("nobody else is there")
    };
    let publishing = tokio::spawn(async move { committed.publish(&StopSignal::never()).await });
    one_heard.recv().await.unwrap();
    // Another one completes it, and is held before it takes the old parts away.
    let (other, mut other_heard) = Faulty::new(backend.objects().await, |_, call| {
        let replaces = call.operation == Operation::Delete && call.key.starts_with(JOB);
        replaces.then_some(Fault::Pause)
    });
    let store = Store::over(backend.location(), Arc::new(Shared(Arc::clone(&other))));
    let repairing = tokio::spawn(async move { repair(&store, JOB).await });
    other_heard.recv().await.unwrap();
    one.go_on();
    let outcome = publishing.await.unwrap().unwrap();
    assert!(matches!(outcome, PublishOutcome::Published(_)));
    other.go_on();
    // The other old part is the second one that it takes away.
    other_heard.recv().await.unwrap();
    other.go_on();
    assert_eq!(repairing.await.unwrap().unwrap(), Repaired::Published(2));
    shows(&backend, &Work::table("", &[(DAY, "new")])).await;
}

#[tokio::test]
async fn a_run_that_meets_a_lost_one_at_its_number_voids_it_and_starts_again() {
    let backend = Backend::memory();
    let staged = stage(&backend.store().await, "mine", Replaces::Append).await;
    // Disjoint from ours: an append of nothing that conflicts.
    let window = Work::window("lost", "2024-05-05", "2024-05-05", &[("2024-05-05", "x")]);
    crashes(&backend, &window, completes).await;
    let record = Log::read(&backend.store().await, JOB).await.unwrap();
    for part in &record.state().table(TABLE).unwrap().parts {
        let key = part.path().unwrap();
        backend
            .objects()
            .await
            .abort(&key, &part.upload.id)
            .await
            .unwrap();
    }
    let outcome = staged
        .commit(&Unfenced, &StopSignal::never())
        .await
        .unwrap();
    assert!(matches!(outcome, CommitOutcome::StartAgain));
    let lines = runs(&backend.store().await, JOB).await.unwrap();
    assert_eq!(lines[0].status, RunStatus::Voided);
    assert_eq!(visible(&backend.store().await).await, [].into());
}

/// Somebody who waits no longer.
struct Gone(AtomicBool);

#[async_trait]
impl Fence for Gone {
    async fn beat(&self) -> Result<()> {
        self.0.store(true, Ordering::Relaxed);
        Err(Error::new(ErrorKind::Cancelled, "the task is gone"))
    }
}

#[tokio::test]
async fn a_run_that_is_not_wanted_any_more_commits_nothing() {
    let backend = Backend::memory();
    let store = backend.store().await;
    let staged = stage(&store, "unwanted", Replaces::Table).await;
    let fence = Gone(AtomicBool::new(false));
    let error = staged
        .commit(&fence, &StopSignal::never())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the task is gone");
    assert!(fence.0.load(Ordering::Relaxed));
    assert_eq!(Log::read(&store, JOB).await.unwrap().last(), 0);
    assert_eq!(leftovers(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_stop_while_the_store_does_not_answer_takes_two_seconds_at_most() {
    // Before the commit put is sent: nothing is committed. While it is sent: nobody knows. After it: publishing is left to others.
    let log = |call: &Call| call.key.starts_with("_drivetrain/job/log/0");
    for (fault, matches, kind, text) in [
        (
            Fault::CrashBefore,
            Box::new(log) as Box<dyn Fn(&Call) -> bool + Send>,
            ErrorKind::TryAgain,
            "as record 1 is undecided",
        ),
        (
            Fault::CrashBefore,
            Box::new(completes),
            ErrorKind::TryAgain,
            "committed, publish pending",
        ),
    ] {
        let backend = Backend::memory();
        let store = faulty(&backend, fault, usize::MAX, matches).await;
        let (stopper, stop) = Stopper::new();
        let task = tokio::spawn(async move { run(&store, &work(), &stop).await });
        tokio::time::sleep(Duration::from_millis(200)).await;
        let asked = Instant::now();
        stopper.stop();
        let error = task.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().ends_with(text), "{error}");
        assert!(asked.elapsed() < Duration::from_millis(2_300));
        run_quietly(&backend.store().await, &work()).await.unwrap();
        assert_eq!(logged(&backend.store().await).await, work().expected());
    }
}

#[tokio::test]
async fn a_run_behind_others_is_refused_or_goes_on_by_what_they_did() {
    let backend = Backend::memory();
    let store = backend.store().await;
    let staged = stage(&store, "mine", Replaces::Append).await;
    let other = Work::window("other", "2024-05-05", "2024-05-05", &[("2024-05-05", "x")]);
    run_quietly(&store, &other).await.unwrap();
    let outcome = staged
        .commit(&Unfenced, &StopSignal::never())
        .await
        .unwrap();
    let CommitOutcome::Committed(committed) = outcome else {
        panic!("the other one's window is disjoint")
    };
    assert_eq!(committed.record().number, 2);
    assert!(
        backend
            .store()
            .await
            .look(&RECORD_2.into())
            .await
            .unwrap()
            .is_some()
    );
    let _ = committed.publish(&StopSignal::never()).await.unwrap();

    let staged = stage(&store, "conflicting", Replaces::Append).await;
    run_quietly(&store, &work()).await.unwrap();
    let error = staged
        .commit(&Unfenced, &StopSignal::never())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    shows(&backend, &work()).await;
}
