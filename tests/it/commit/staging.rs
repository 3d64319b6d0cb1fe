//! Conditions that must hold before a record is put, and the order in which a run's effects become durable.

use std::sync::{Arc, Mutex};

use drivetrain_runner::commit::Partition;
use drivetrain_runner::watch::StopSignal;

use crate::support::backends::Backend;
use crate::support::fault_injector::{Call, Operation};
use crate::support::faulty_store::Faulty;
use crate::support::staged_run::{attempt, commit, day, part, stage_parts};
use crate::support::table_contents::leftovers;
use crate::support::test_run::{
    DAY, MARK_2, RECORD_1, RECORD_2, TestRun, publish, run_quietly, two_parts,
};

#[tokio::test]
async fn rows_that_do_not_add_up_and_parts_in_no_partition_are_never_committed() {
    let store = Backend::memory().store().await;
    for (partition, rows, says) in [
        (
            day(),
            2,
            "expected 2 rows in the parts of table `table`, got 1",
        ),
        (
            Partition::whole(),
            1,
            "has no value for partition column `day`",
        ),
    ] {
        let attempt = attempt(&store, &two_parts()).await;
        let parts = vec![part(&attempt, partition, "x").await];
        let error = stage_parts(attempt, parts, rows).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(leftovers(&store).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_upload_that_no_part_of_the_record_needs_is_aborted() {
    let backend = Backend::folder();
    let store = backend.store().await;
    let attempt = attempt(&store, &two_parts()).await;
    let needed = part(&attempt, day(), "needed").await;
    part(&attempt, day(), "not needed").await;
    let staged = stage_parts(attempt, vec![needed], 1).await.unwrap();
    let committed = commit(staged).await;
    let _ = committed.publish(&StopSignal::never()).await.unwrap();
    assert_eq!(leftovers(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn parts_are_durable_before_their_record_and_before_old_parts_are_deleted() {
    let backend = Backend::memory();
    let old = TestRun::table("old", &[(DAY, "old")]);
    run_quietly(&backend.store().await, &old).await.unwrap();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&calls);
    let recording = Faulty::open(&backend, move |_, call| {
        noted.lock().unwrap().push(call.clone());
        None
    })
    .await;
    assert_eq!(publish(&recording.store, &two_parts()).await, 2);
    let calls = calls.lock().unwrap();
    let last = |found: &dyn Fn(&Call) -> bool| calls.iter().rposition(found).expect("a call");
    let first = |found: &dyn Fn(&Call) -> bool| calls.iter().position(found).expect("a call");
    let in_table = |call: &Call| call.key.starts_with("job/");
    let record = first(&|call| call.puts(RECORD_2));
    assert!(last(&|call| call.operation == Operation::Seal) < record);
    let settled = last(&|call| call.operation == Operation::Settle && in_table(call));
    assert!(last(&Call::completes) < settled);
    let deletes = |call: &Call| call.deletes_below("job/");
    assert!(settled < first(&deletes));
    assert!(last(&deletes) < first(&|call| call.puts(MARK_2)));
    assert!(!calls.iter().any(|call| call.puts(RECORD_1)));
}
