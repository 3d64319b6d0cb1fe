//! The commit protocol without disturbances: the effects of runs on tables, on every backend.

use bytes::Bytes;
use drivetrain_runner::ErrorKind;
use drivetrain_runner::commit::{
    self, Log, OpenOptions, Repaired, RunStatus, VacuumOptions, repair, runs, vacuum,
};
use drivetrain_runner::store::Store;
use object_store::path::Path;

use crate::support::backends::Backend;
use crate::support::table_contents::{leftovers, listed, logged};
use crate::support::test_run::{JOB, RunEnd, TABLE, TestRun, columns, publish, run_quietly};

const JANUARY: &str = "2024-01-01";
const FEBRUARY: &str = "2024-02-01";
const MARCH: &str = "2024-03-01";

async fn assert_readers_see(store: &Store, test_run: &TestRun) {
    assert_eq!(listed(store).await, test_run.expected());
    assert_eq!(logged(store).await, test_run.expected());
}

/// Replaces a table, a window of it, then the table again, and finally empties it. Each run is idempotent.
async fn replaces_exactly_its_partitions(backend: Backend) {
    let store = backend.store().await;
    let first = TestRun::table("first", &[(JANUARY, "a"), (JANUARY, "b"), (FEBRUARY, "c")]);
    assert_eq!(publish(&store, &first).await, 1);
    assert_readers_see(&store, &first).await;
    assert_eq!(leftovers(&store).await, Vec::<String>::new());

    let again = run_quietly(&backend.store().await, &first).await.unwrap();
    assert_eq!(again, RunEnd::AlreadyDone(1));

    let window = TestRun::window("window", FEBRUARY, MARCH, &[(MARCH, "d")]);
    assert_eq!(publish(&store, &window).await, 2);
    let both = TestRun::table("", &[(JANUARY, "a"), (JANUARY, "b"), (MARCH, "d")]);
    assert_readers_see(&store, &both).await;

    // The window replaced a partition of the first run, so that run no longer counts as done.
    assert_eq!(publish(&store, &first).await, 3);
    assert_readers_see(&store, &first).await;

    let empty = TestRun::table("empty", &[]);
    assert_eq!(publish(&store, &empty).await, 4);
    assert_readers_see(&store, &empty).await;
    assert_eq!(
        run_quietly(&store, &empty).await.unwrap(),
        RunEnd::AlreadyDone(4)
    );

    let lines = runs(&store, JOB).await.unwrap();
    assert!(lines.iter().all(|line| line.status == RunStatus::Published));
    let counts: Vec<_> = lines
        .iter()
        .map(|line| (line.number, line.parts, line.rows, line.deletes))
        .collect();
    assert_eq!(
        counts,
        [(1, 3, 3, 0), (2, 1, 1, 1), (3, 3, 3, 3), (4, 0, 0, 3)]
    );
    assert_eq!(repair(&store, JOB).await.unwrap(), Repaired::NothingToDo);
    let done = vacuum(&store, JOB, VacuumOptions::default()).await.unwrap();
    assert_eq!(done, commit::Vacuumed::default());
    assert_eq!(leftovers(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn runs_replace_exactly_their_partitions_in_memory() {
    replaces_exactly_its_partitions(Backend::memory()).await;
}

#[tokio::test]
async fn runs_replace_exactly_their_partitions_in_a_folder() {
    replaces_exactly_its_partitions(Backend::folder()).await;
}

#[tokio::test]
async fn runs_replace_exactly_their_partitions_on_an_s3_server_in_this_process() {
    replaces_exactly_its_partitions(Backend::s3().await).await;
}

#[tokio::test]
#[ignore = "needs MinIO; run `.ci/minio` once, then `cargo test -- --ignored minio`"]
async fn runs_replace_exactly_their_partitions_on_minio() {
    replaces_exactly_its_partitions(Backend::minio().await).await;
}

#[tokio::test]
async fn an_append_consumes_each_object_once() {
    let store = Backend::memory().store().await;
    let put = async |name: &'static str, text: &'static str| {
        let key = Path::from(format!("raw/events/{name}"));
        store
            .put(&key, Bytes::from_static(text.as_bytes()))
            .await
            .unwrap();
    };
    put("1.txt", "one").await;
    let append = TestRun::append("append", "raw/events");
    assert_eq!(publish(&store, &append).await, 1);
    assert_eq!(
        run_quietly(&store, &append).await.unwrap(),
        RunEnd::AlreadyDone(1)
    );
    put("2.txt", "two").await;
    assert_eq!(publish(&store, &append).await, 2);
    // The same inputs as in the first run: an append counts as done, whatever ran after it.
    store
        .delete(vec![Path::from("raw/events/2.txt")])
        .await
        .unwrap();
    assert_eq!(
        run_quietly(&store, &append).await.unwrap(),
        RunEnd::AlreadyDone(1)
    );
    let both = TestRun::table("", &[(JANUARY, "one"), (JANUARY, "two")]);
    assert_readers_see(&store, &both).await;

    let mut forced = append.clone();
    forced.force = true;
    assert_eq!(publish(&store, &forced).await, 3);
    assert_readers_see(&store, &both).await;

    put("1.txt", "one, changed").await;
    let error = run_quietly(&store, &append).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.to_string(),
        "`memory:/raw/events/1.txt` has changed since an earlier run consumed it"
    );
    assert_readers_see(&store, &both).await;
}

#[tokio::test]
async fn hidden_names_and_folder_markers_are_not_input() {
    let store = Backend::memory().store().await;
    let put = async |key: &str, text: &'static str| {
        store
            .put(
                &Path::parse(key).unwrap(),
                Bytes::from_static(text.as_bytes()),
            )
            .await
            .unwrap();
    };
    put("raw/users/_SUCCESS", "x").await;
    put("raw/users/.hidden/a.csv", "x").await;
    put("raw/users/dt=2024-01-01", "").await;
    put("raw/users/sub", "").await;
    let error = commit::list_input(&store, "raw/users").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputMissing);
    assert_eq!(
        error.to_string(),
        "`memory:/raw/users/` holds only hidden objects or folder markers (4 in all)"
    );
    put("raw/users/empty.csv", "").await;
    put("raw/users/dt=2024-01-01/a.csv", "x").await;
    let listed = commit::list_input(&store, "raw/users").await.unwrap();
    let keys: Vec<_> = listed.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(
        keys,
        ["raw/users/dt=2024-01-01/a.csv", "raw/users/empty.csv"]
    );
    let error = commit::list_input(&store, "raw/no").await.unwrap_err();
    assert_eq!(error.to_string(), "`memory:/raw/no/` holds no objects");
}

#[tokio::test]
async fn an_object_that_no_run_wrote_is_refused_by_name_or_deleted_when_asked() {
    let store = Backend::memory().store().await;
    let first = TestRun::table("first", &[(JANUARY, "a")]);
    run_quietly(&store, &first).await.unwrap();
    let foreign = Path::parse("job/table/day=2024-05-05/other.parquet").unwrap();
    store.put(&foreign, Bytes::from_static(b"x")).await.unwrap();
    let hidden = Path::parse("job/table/_temporary/other.parquet").unwrap();
    store.put(&hidden, Bytes::from_static(b"x")).await.unwrap();
    let mut second = TestRun::table("second", &[(JANUARY, "b")]);
    let error = run_quietly(&store, &second).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.to_string(),
        "table `table` holds an object that no run wrote: `memory:/job/table/day=2024-05-05/other.parquet`"
    );
    second.options = OpenOptions {
        replace_foreign: true,
    };
    run_quietly(&store, &second).await.unwrap();
    assert_eq!(store.look(&foreign).await.unwrap(), None);
    store.delete(vec![hidden]).await.unwrap();
    assert_readers_see(&store, &second).await;
}

#[tokio::test]
async fn a_window_onto_a_table_of_other_columns_is_refused_with_the_difference() {
    let store = Backend::memory().store().await;
    run_quietly(&store, &TestRun::table("first", &[(JANUARY, "a")]))
        .await
        .unwrap();
    let mut window = TestRun::window("window", FEBRUARY, FEBRUARY, &[(FEBRUARY, "b")]);
    window.columns.columns[0].kind = "bigint".to_owned();
    let error = run_quietly(&store, &window).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(
        error.to_string(),
        "the columns of table `table` differ from those that this job writes: column `text` is string in the table, but the job writes bigint"
    );
    let mut whole = TestRun::table("whole", &[(JANUARY, "a")]);
    whole.columns = window.columns.clone();
    run_quietly(&store, &whole).await.unwrap();
    run_quietly(&store, &window).await.unwrap();
}

#[tokio::test]
async fn differences_of_columns_are_named() {
    let old = columns();
    let mut new = columns();
    new.columns.swap(0, 1);
    assert_eq!(
        old.differences(&new),
        ["the job writes the columns in a different order"]
    );
    new.columns[0].name = "date".to_owned();
    new.partition_by = vec!["date".to_owned()];
    assert_eq!(
        old.differences(&new),
        [
            "the job does not write column `day`",
            "the table has no column `date`",
            "the table is partitioned by (day), but the job partitions by (date)"
        ]
    );
    assert_eq!(old.differences(&old), Vec::<String>::new());
}

#[tokio::test]
async fn a_part_outside_the_window_is_never_committed() {
    let store = Backend::memory().store().await;
    let outside = TestRun::window("window", FEBRUARY, FEBRUARY, &[(MARCH, "a")]);
    let error = run_quietly(&store, &outside).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is outside the run's window, `day` from 2024-02-01 to 2024-02-01")
    );
    assert_eq!(Log::read(&store, JOB).await.unwrap().last(), 0);
    assert_eq!(leftovers(&store).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_log_is_read_from_its_last_checkpoint() {
    let store = Backend::memory().store().await;
    let names: Vec<_> = (1..=205).map(|number| format!("run {number}")).collect();
    for (index, name) in names.iter().enumerate() {
        let day = format!("2024-01-{:02}", index % 20 + 1);
        let test_run = TestRun::window(name, &day, &day, &[(&day, name)]);
        assert_eq!(publish(&store, &test_run).await, index as u64 + 1);
    }
    let before = store.requests();
    let log = Log::read(&store, JOB).await.unwrap();
    assert_eq!(log.last(), 205);
    assert_eq!(
        store.requests().get - before.get,
        6,
        "a checkpoint and five records"
    );
    assert_eq!(log.state().table(TABLE).unwrap().parts.len(), 20);
    assert_eq!(listed(&store).await, logged(&store).await);
    // Run 195 was the last one to write day 15, which run 175 had also written.
    let again = |number: usize| {
        let day = format!("2024-01-{:02}", (number - 1) % 20 + 1);
        TestRun::window(
            &names[number - 1],
            &day,
            &day,
            &[(&day, &names[number - 1])],
        )
    };
    assert_eq!(
        run_quietly(&store, &again(195)).await.unwrap(),
        RunEnd::AlreadyDone(195)
    );
    assert_eq!(publish(&store, &again(175)).await, 206);
    assert_eq!(listed(&store).await, logged(&store).await);
    assert_eq!(runs(&store, JOB).await.unwrap().len(), 206);
}

#[tokio::test]
async fn a_table_of_another_job_is_read_by_its_log() {
    let store = Backend::memory().store().await;
    let error = commit::read_table(&store, JOB, TABLE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InputMissing);
    run_quietly(&store, &TestRun::table("first", &[(JANUARY, "a")]))
        .await
        .unwrap();
    let stray = Path::parse("job/table/day=2024-01-01/stray.txt").unwrap();
    store.put(&stray, Bytes::from_static(b"x")).await.unwrap();
    let table = commit::read_table(&store, JOB, TABLE).await.unwrap();
    assert_eq!(table.columns, columns());
    assert_eq!(table.objects.len(), 1);
    assert!(table.objects[0].etag.is_some());
    assert_eq!(table.parts[0].key, table.objects[0].key);
    let gone = Path::parse(&table.parts[0].key).unwrap();
    store.delete(vec![gone]).await.unwrap();
    let error = commit::read_table(&store, JOB, TABLE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TryAgain);
}

#[tokio::test]
async fn parts_larger_than_a_piece_arrive_whole() {
    let large = "x".repeat(11 * 1024 * 1024);
    for backend in [Backend::memory(), Backend::folder(), Backend::s3().await] {
        let store = backend.store().await;
        let test_run = TestRun::table("large", &[(JANUARY, &large)]);
        run_quietly(&store, &test_run).await.unwrap();
        assert_readers_see(&store, &test_run).await;
    }
}
