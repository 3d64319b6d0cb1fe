//! Answers of a store that leave the outcome open: timeouts, server errors, and false success.

use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{Repaired, RunStatus, repair};

use crate::support::backends::Backend;
use crate::support::fault_injector::{Call, Fault, Operation};
use crate::support::faulty_store::failing;
use crate::support::table_contents::{
    assert_shows, leftovers, listed, listed_parts, logged, statuses,
};
use crate::support::test_run::{JOB, RECORD_1, RunEnd, publish, run_quietly, two_parts};

#[tokio::test]
async fn a_record_that_the_store_neither_took_nor_refused_is_put_again() {
    for fault in [Fault::Undecided, Fault::FailBefore, Fault::FailAfter] {
        let backend = Backend::memory();
        let store = failing(&backend, fault, 2, |call| call.puts(RECORD_1)).await;
        assert_eq!(publish(&store, &two_parts()).await, 1);
        assert_shows(&backend, &two_parts()).await;
    }
}

#[tokio::test]
async fn an_undecided_commit_is_settled_by_the_same_command() {
    for fault in [Fault::FailBefore, Fault::Undecided] {
        let backend = Backend::memory();
        let store = failing(&backend, fault, usize::MAX, |call| call.puts(RECORD_1)).await;
        let error = run_quietly(&store, &two_parts()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TryAgain);
        assert!(
            error.to_string().ends_with("was committed as record 1"),
            "{error}"
        );
        assert_eq!(listed(&backend.store().await).await, [].into());
        assert_eq!(publish(&backend.store().await, &two_parts()).await, 1);
        assert_eq!(logged(&backend.store().await).await, two_parts().expected());
    }
}

#[tokio::test]
async fn a_record_that_landed_and_cannot_be_read_is_found_by_the_same_command() {
    let backend = Backend::memory();
    let record = |call: &Call| {
        call.key == RECORD_1 && matches!(call.operation, Operation::Put | Operation::Get)
    };
    let store = failing(&backend, Fault::FailAfter, usize::MAX, record).await;
    let error = run_quietly(&store, &two_parts()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    assert_eq!(listed(&backend.store().await).await, [].into());
    let end = run_quietly(&backend.store().await, &two_parts()).await;
    assert_eq!(end.unwrap(), RunEnd::AlreadyDone(1));
    assert_eq!(logged(&backend.store().await).await, two_parts().expected());
}

#[tokio::test]
async fn a_record_that_may_not_be_written_is_a_permanent_failure_and_leaves_nothing() {
    let backend = Backend::memory();
    let store = failing(&backend, Fault::Forbidden, usize::MAX, |call| {
        call.puts(RECORD_1)
    })
    .await;
    let error = run_quietly(&store, &two_parts()).await.unwrap_err();
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
    let probes = |call: &Call| call.operation == Operation::Put && call.key.contains("/probe/");
    // The second create-only put succeeds too, as on a store that overwrites.
    let store = failing(&backend, Fault::Overwrite, usize::MAX, probes).await;
    let error = run_quietly(&store, &two_parts()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert_eq!(
        error.to_string(),
        "`memory:/` ignores conditional puts: two runs could commit the same record"
    );
}

#[tokio::test]
async fn completions_that_time_out_do_not_mean_a_loss() {
    for fault in [Fault::FailBefore, Fault::FailAfter] {
        let backend = Backend::memory();
        let store = failing(&backend, fault, 3, Call::completes).await;
        assert_eq!(publish(&store, &two_parts()).await, 1);
        assert_shows(&backend, &two_parts()).await;
    }
    let backend = Backend::memory();
    let store = failing(&backend, Fault::FailBefore, usize::MAX, Call::completes).await;
    let error = run_quietly(&store, &two_parts()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
    assert_eq!(
        error.to_string(),
        "the run is committed, but its publish is not finished"
    );
    let store = backend.store().await;
    assert_eq!(statuses(&store).await, [RunStatus::Pending]);
    assert_eq!(repair(&store, JOB).await.unwrap(), Repaired::Published(1));
    assert_eq!(logged(&store).await, two_parts().expected());
}

#[tokio::test]
async fn a_part_that_cannot_be_completed_does_not_hold_up_the_others() {
    let backend = Backend::memory();
    let first = |call: &Call| call.completes() && call.key.contains("-000001.");
    let store = failing(&backend, Fault::FailBefore, usize::MAX, first).await;
    let error = run_quietly(&store, &two_parts()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the run is committed, but its publish is not finished"
    );
    let store = backend.store().await;
    assert_eq!(listed_parts(&store).await, 1);
    repair(&store, JOB).await.unwrap();
    assert_eq!(listed(&store).await, two_parts().expected());
}
