//! Rows that are held in the order of a value.

use datafusion::prelude::{col, lit};

use super::*;

/// Builds an input of three files. The column `day` repeats 0 to 6, row by row, and neighboring files have ten keys in common.
async fn days() -> InputObjects {
    let file = |start: u32| {
        let rows = (start..start + 400).map(|id| format!("{id},{}\n", id % 7));
        format!("id,day\n{}", rows.collect::<String>())
    };
    let contract = with_key(contract("id int not null, day int"), &["id"]);
    let files = [
        ("a.csv", file(0)),
        ("b.csv", file(390)),
        ("c.csv", file(780)),
    ];
    input("days", contract, &files).await
}

/// Returns settings with small blocks and two threads, so that days and duplicate keys are spread over many blocks.
fn in_small_blocks() -> ReadSettings {
    ReadSettings {
        threads: 2,
        batch_rows: 64,
        block_bytes: Some(512),
        max_bad_share: 1.0,
        ..ReadSettings::default()
    }
}

#[tokio::test]
async fn rows_are_ordered_by_value_without_those_rejected_late() {
    let mut input = days().await;
    input.cluster_by = Some(col("day") * lit(-1));
    let sources = read_with(vec![input], &in_small_blocks()).await.unwrap();
    let rows = rows(&sources, "days").await;
    let days: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    let stretches: Vec<&str> = days.chunk_by(|a, b| a == b).map(|equal| equal[0]).collect();
    assert_eq!(stretches, ["6", "5", "4", "3", "2", "1", "0"]);
    let mut ids: Vec<u32> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..1180).collect::<Vec<_>>());
    assert_eq!(sources.datasets[0].report.quarantined, 20);
}

#[tokio::test]
async fn rows_whose_value_cannot_be_computed_keep_their_order() {
    let mut input = days().await;
    input.cluster_by = Some(lit(1) / col("day"));
    let sources = read_with(vec![input], &in_small_blocks()).await.unwrap();
    let rows = rows(&sources, "days").await;
    let ids: Vec<u32> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(ids, (0..1180).collect::<Vec<_>>());
}

#[tokio::test]
async fn clustered_rows_that_spill_are_complete() {
    let mut input = days().await;
    input.cluster_by = Some(col("day"));
    let progress = Progress::default();
    let settings = in_small_blocks();
    let sources = read(vec![input], &settings, runtime(16 << 10), &progress)
        .await
        .unwrap();
    assert!(sources.datasets[0].report.spilled_bytes > 0);
    let mut ids: Vec<u32> = rows(&sources, "days")
        .await
        .iter()
        .map(|row| row[0].parse().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..1180).collect::<Vec<_>>());
}
