//! Executes a run step by step (attempt, parts, stage, commit), for tests that act between two steps.

use drivetrain_runner::commit::{
    self, Attempt, CommitOutcome, Committed, Decision, Log, OpenOptions, Partition, Replaces,
    Staged, StagedPart, Unfenced,
};
use drivetrain_runner::error::Result;
use drivetrain_runner::store::Store;
use drivetrain_runner::watch::StopSignal;

use super::backends::Backend;
use super::test_run::{DAY, JOB, TABLE, TestRun};

/// Opens an attempt of a run. The run must not be done yet.
pub async fn attempt(store: &Store, test_run: &TestRun) -> Attempt {
    let plan = vec![test_run.output_plan()];
    let opened = commit::open(store, JOB, plan, OpenOptions::default()).await;
    let id = test_run.run_id(Vec::new());
    match opened.unwrap().decide(id, &[], false).await.unwrap() {
        Decision::Run(attempt) => attempt,
        Decision::AlreadyDone { record, .. } => panic!("done already, in record {}", record.number),
    }
}

pub fn day() -> Partition {
    Partition::of([("day", DAY)]).unwrap()
}

/// Writes a part of one row.
pub async fn part(attempt: &Attempt, partition: Partition, text: &str) -> StagedPart {
    let mut part = attempt.part(TABLE, partition, "txt").await.unwrap();
    part.write(text.to_owned().into()).await.unwrap();
    part.finish(1).await.unwrap()
}

/// Stages parts. `rows` is the number of rows that all of them should have together.
pub async fn stage_parts(attempt: Attempt, parts: Vec<StagedPart>, rows: u64) -> Result<Staged> {
    let rows = [(TABLE.to_owned(), rows)].into();
    attempt.stage(parts, &rows, serde_json::Value::Null).await
}

/// Stages a run of one part.
pub async fn stage(store: &Store, text: &str, replaces: Replaces) -> Staged {
    let test_run = TestRun {
        replaces,
        ..TestRun::table(text, &[(DAY, text)])
    };
    let attempt = attempt(store, &test_run).await;
    let parts = vec![part(&attempt, day(), text).await];
    stage_parts(attempt, parts, 1).await.unwrap()
}

/// Commits a run. No other run may prevent it.
pub async fn commit(staged: Staged) -> Committed {
    let outcome = staged.commit(&Unfenced, &StopSignal::never()).await;
    match outcome.unwrap() {
        CommitOutcome::Committed(committed) => committed,
        other => panic!("expected a commit, got {other:?}"),
    }
}

/// Commits a run of one part that replaces the table.
pub async fn stage_and_commit(store: &Store, text: &str) -> Committed {
    commit(stage(store, text, Replaces::Table).await).await
}

/// Makes the store forget the uploads of all live parts, beginning with part number `first`.
pub async fn drop_uploads(backend: &Backend, first: usize) {
    let log = Log::read(&backend.store().await, JOB).await.unwrap();
    let objects = backend.objects().await;
    for part in &log.state().table(TABLE).unwrap().parts[first..] {
        let key = part.path().unwrap();
        objects.abort(&key, &part.upload.id).await.unwrap();
    }
}
