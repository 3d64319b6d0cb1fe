//! Memory, disk, threads, projection and cancellation.

use std::time::Duration;

use datafusion::common::stats::Precision;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};

use super::*;

fn many_rows(count: u32) -> String {
    let rows: String = (0..count)
        .map(|id| {
            format!(
                "{id},a text of more than twelve bytes {},{}\n",
                id % 7,
                id % 500
            )
        })
        .collect();
    format!("id,name,user\n{rows}")
}

async fn inputs(count: u32) -> Vec<InputObjects> {
    let users: String = (0..450).map(|id| format!("{id}\n")).collect();
    let rentals = with_key(contract("id int not null, name string, user int"), &["id"]);
    let rentals = with_reference(rentals, "user", "users", "id");
    let text = many_rows(count);
    vec![
        input(
            "rentals",
            rentals,
            &[("a.csv", text.clone()), ("b.csv", text)],
        )
        .await,
        input(
            "users",
            contract("id int"),
            &[("a.csv", format!("id\n{users}"))],
        )
        .await,
    ]
}

#[tokio::test]
async fn rows_are_the_same_from_memory_and_from_disk() {
    let settings = ReadSettings {
        block_bytes: Some(20_000),
        ..settings()
    };
    let roomy = read_with(inputs(20_000).await, &settings).await.unwrap();
    assert_eq!(roomy.datasets[0].report.spilled_bytes, 0);
    let tight = read(
        inputs(20_000).await,
        &settings,
        runtime(700_000),
        &Progress::default(),
    )
    .await
    .unwrap();
    let report = &tight.datasets[0].report;
    assert!(report.spilled_bytes > 1_000_000, "{report:?}");
    assert_eq!(rows(&tight, "rentals").await, rows(&roomy, "rentals").await);
    assert_eq!(bad(&tight.quarantine).await, bad(&roomy.quarantine).await);
    assert_eq!(report.rejects, roomy.datasets[0].report.rejects);
    assert_eq!((report.rows_read, report.accepted), (40_000, 18_000));
}

#[tokio::test]
async fn keys_that_do_not_fit_in_memory_are_looked_up_part_by_part() {
    let settings = ReadSettings {
        threads: 1,
        block_bytes: Some(5_000),
        ..settings()
    };
    let roomy = read_with(inputs(2_000).await, &settings).await.unwrap();
    // Not even the keys of the users fit here.
    let tight = read(
        inputs(2_000).await,
        &settings,
        runtime(62_000),
        &Progress::default(),
    )
    .await
    .unwrap();
    assert_eq!(rows(&tight, "rentals").await, rows(&roomy, "rentals").await);
    assert_eq!(bad(&tight.quarantine).await, bad(&roomy.quarantine).await);
}

#[tokio::test]
async fn the_error_of_a_full_disk_names_the_settings_to_raise() {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::OsTmpDirectory)
        .with_max_temp_directory_size(10_000);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_limit(700_000, 1.0)
        .with_disk_manager_builder(disk)
        .build_arc()
        .unwrap();
    let settings = ReadSettings {
        block_bytes: Some(20_000),
        ..settings()
    };
    let refused = read(
        inputs(20_000).await,
        &settings,
        runtime,
        &Progress::default(),
    )
    .await
    .unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::Failed);
    assert!(
        refused
            .error
            .hint_text()
            .unwrap()
            .contains("--memory-limit")
    );
    // The rows that were rejected until then can still be written.
    bad(&refused.quarantine).await;
}

#[tokio::test]
async fn tables_report_their_row_count_and_have_only_needed_columns() {
    let mut needed = input(
        "t",
        contract("a int, b string, c int"),
        &[("a.csv", "a,b,c\n1,x,2\n1,y,bad\n")],
    )
    .await;
    needed.columns_needed = Some(vec!["c".to_owned(), "a".to_owned()]);
    let sources = read_inputs(vec![needed]).await;
    assert_eq!(rows(&sources, "t").await, [["1", "2"]]);
    // A column that is not needed is still checked against its contract.
    assert_eq!(faults(&sources).await, [fault(3, "type", "c")]);
    let table = Arc::clone(&sources.datasets[0].table);
    assert_eq!(table.statistics().unwrap().num_rows, Precision::Exact(1));
    let context = SessionContext::new();
    context.register_table("t", table).unwrap();
    let counted = context.sql("select count(*), sum(c) from t").await.unwrap();
    assert_eq!(texts(&counted.collect().await.unwrap()[0]), [["1", "2"]]);
}

#[tokio::test]
async fn partitions_have_similar_numbers_of_rows() {
    let settings = ReadSettings {
        threads: 4,
        block_bytes: Some(10_000),
        ..settings()
    };
    let sources = read_with(inputs(10_000).await, &settings).await.unwrap();
    let context = SessionContext::new();
    let table = Arc::clone(&sources.datasets[0].table);
    let plan = table.scan(&context.state(), None, &[], None).await.unwrap();
    assert_eq!(plan.properties().output_partitioning().partition_count(), 4);
    for partition in 0..4 {
        let stream = plan.execute(partition, context.task_ctx()).unwrap();
        let batches: Vec<_> = stream.try_collect().await.unwrap();
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert!((2_000..=2_500).contains(&rows), "{rows}");
    }
}

#[tokio::test]
async fn dropping_the_future_stops_the_reading() {
    let settings = ReadSettings {
        block_bytes: Some(1_000),
        ..settings()
    };
    let progress = Progress::default();
    let reading = read(
        inputs(200_000).await,
        &settings,
        runtime(1 << 30),
        &progress,
    );
    assert!(
        tokio::time::timeout(Duration::from_millis(50), reading)
            .await
            .is_err()
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    let bytes = progress.bytes();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(progress.bytes(), bytes);
}
