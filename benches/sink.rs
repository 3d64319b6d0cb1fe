//! Measures how fast computed rows become staged Parquet parts: `sink/<case>/<rows>`, in rows per second.
//!
//! The rows belong to the days of a year. In the first case they arrive day by day and are written at once; in the
//! second they arrive mixed, and are held and sorted; in the third the table has no partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringViewArray,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use drivetrain_runner::commit::{
    self, Attempt, ColumnType, Columns, Decision, OpenOptions, OutputPlan, Replaces, RunId,
    RunInputs,
};
use drivetrain_runner::sink::collect::{CollectSpec, DirectWrite, collect};
use drivetrain_runner::sink::parquet::file_settings::FileSettings;
use drivetrain_runner::sink::partition::Partitions;
use drivetrain_runner::sink::table_files::TableFiles;
use drivetrain_runner::sink::write::write;
use drivetrain_runner::store::Store;
use drivetrain_runner::watch::Progress;
use drivetrain_runner::watch::StopSignal;
use tokio::runtime::Runtime;

const DAYS: usize = 366;
const ROWS_A_DAY: usize = 4_096;
const ROWS: usize = DAYS * ROWS_A_DAY;
const BATCH_ROWS: usize = 8_192;
const STREAMS: usize = 2;

/// Order in which the rows arrive, or a table without partitions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    DayByDay,
    Mixed,
    Whole,
}

fn batches(case: Case) -> Vec<RecordBatch> {
    (0..ROWS / BATCH_ROWS)
        .map(|batch| {
            let rows = batch * BATCH_ROWS..(batch + 1) * BATCH_ROWS;
            let day = |row: usize| match case {
                Case::DayByDay => row / ROWS_A_DAY,
                Case::Mixed | Case::Whole => row * 31 % DAYS,
            };
            let days = rows
                .clone()
                .map(|row| i32::try_from(day(row)).expect("few days"));
            // A text of twelve digits that never repeats, one of a few texts, a number and an amount.
            let scattered = |row: usize| (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
            let ids = rows.clone().map(|row| format!("{:012x}", scattered(row)));
            let cities = rows
                .clone()
                .map(|row| format!("city {}", scattered(row) % 50));
            let numbers = rows
                .clone()
                .map(|row| i64::try_from(scattered(row) % 500).expect("small"));
            let amounts = rows.map(|row| i128::from(scattered(row) % 100_000));
            let amounts = Decimal128Array::from_iter_values(amounts)
                .with_precision_and_scale(12, 2)
                .expect("a type that exists");
            let columns: [(&str, ArrayRef); 5] = [
                ("day", Arc::new(Date32Array::from_iter_values(days))),
                ("id", Arc::new(StringViewArray::from_iter_values(ids))),
                ("city", Arc::new(StringViewArray::from_iter_values(cities))),
                ("number", Arc::new(Int64Array::from_iter_values(numbers))),
                ("amount", Arc::new(amounts)),
            ];
            RecordBatch::try_from_iter(columns).expect("columns of one length")
        })
        .collect()
}

async fn attempt(store: &Store, case: Case) -> Attempt {
    let column = |name: &str, kind: &str| ColumnType {
        name: name.to_owned(),
        kind: kind.to_owned(),
    };
    let partition_by = if case == Case::Whole {
        Vec::new()
    } else {
        vec!["day".to_owned()]
    };
    let plan = OutputPlan {
        table: "rows".to_owned(),
        columns: Columns {
            columns: vec![column("day", "date")],
            partition_by,
        },
        replaces: Replaces::Table,
        summed: Vec::new(),
    };
    let opened = commit::open(store, "bench", vec![plan], OpenOptions::default());
    let id = RunId::of(&RunInputs {
        job: "bench",
        files: &[],
        parameters: &BTreeMap::new(),
        contracts: "",
        inputs: &BTreeMap::new(),
        version: "bench",
    });
    let decided = opened.await.expect("the job opens").decide(id, &[], false);
    let Decision::Run(attempt) = decided.await.expect("the log is read") else {
        panic!("nothing was committed before")
    };
    attempt
}

/// Writes and stages the rows; returns the numbers of rows and parts.
async fn once(store: &Store, case: Case, batches: &[RecordBatch]) -> (u64, usize) {
    let attempt = attempt(store, case).await;
    let schema = batches[0].schema();
    let streams = batches
        .chunks(batches.len().div_ceil(STREAMS))
        .map(|share| {
            let batches: Vec<_> = share.iter().cloned().map(Ok).collect();
            let batches = futures::stream::iter(batches);
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), batches))
                as SendableRecordBatchStream
        });
    let table = || TableFiles {
        name: "rows".to_owned(),
        file_columns: if case == Case::Whole {
            vec![0, 1, 2, 3, 4]
        } else {
            vec![1, 2, 3, 4]
        },
        ordered: false,
        summed: Vec::new(),
        files: FileSettings::default(),
        row_group_bytes: 128 << 20,
        threads: STREAMS,
    };
    let columns = if case == Case::Whole {
        Vec::new()
    } else {
        vec![(0, "day".to_owned())]
    };
    let types: Vec<_> = columns
        .iter()
        .map(|(column, _)| schema.field(*column).data_type().clone())
        .collect();
    let partitions = Partitions::new("rows", columns, &types).expect("a date can be compared");
    let intake = CollectSpec {
        name: "rows".to_owned(),
        counted: Vec::new(),
        key: vec![1],
        direct: (case != Case::Whole).then(|| DirectWrite {
            stager: attempt.stager(),
            table: table(),
        }),
    };
    let (memory, progress) = (Arc::new(RuntimeEnv::default()), Progress::default());
    let collected = collect(
        intake,
        Arc::clone(&schema),
        streams.collect(),
        partitions,
        &memory,
        &progress,
    );
    let collected = collected.await.expect("the rows are taken in");
    assert!(collected.keys_differ);
    let parts = write(&attempt.stager(), &table(), collected, &progress).await;
    let parts = parts.expect("the parts are staged");
    let rows = parts.iter().map(|part| part.part().rows).sum();
    attempt.abandon(&StopSignal::never()).await;
    (rows, parts.len())
}

fn sink(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("the system starts threads");
    let mut group = criterion.benchmark_group("sink");
    group.sample_size(10);
    group.throughput(Throughput::Elements(ROWS as u64));
    let cases = [
        ("day_by_day", Case::DayByDay, DAYS),
        ("mixed_days", Case::Mixed, DAYS),
        ("one_table", Case::Whole, 1),
    ];
    for (name, case, parts) in cases {
        let batches = batches(case);
        group.bench_function(BenchmarkId::new(name, ROWS), |bencher| {
            bencher.iter(|| {
                let written = runtime.block_on(once(&Store::memory(), case, &batches));
                assert_eq!(written, (ROWS as u64, parts));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, sink);
criterion_main!(benches);
