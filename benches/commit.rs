//! Measures the cost of a commit apart from its bytes: staging, committing and publishing small parts, and detecting
//! that a run is already done.

use std::collections::BTreeMap;
use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drivetrain_runner::commit::{
    self, ColumnType, Columns, CommitOutcome, Decision, OpenOptions, OutputPlan, Partition,
    PublishOutcome, Replaces, RunId, RunInputs, Unfenced, read_table,
};
use drivetrain_runner::store::{Location, S3Settings, Store};
use drivetrain_runner::watch::StopSignal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const JOB: &str = "bench";
const TABLE: &str = "table";
/// The size of a part: that of a day's partition of a small table, so that the bytes cost little.
const PART_BYTES: usize = 16 * 1024;

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    builder.build().expect("a runtime starts")
}

async fn folder() -> (Store, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let location = folder.path().to_str().expect("an UTF-8 path");
    let location = Location::parse(location).expect("a location");
    let store = Store::open(&location, &S3Settings::default()).await;
    (store.expect("an open folder"), folder)
}

fn plan() -> OutputPlan {
    let column = |name: &str, kind: &str| ColumnType {
        name: name.to_owned(),
        kind: kind.to_owned(),
    };
    OutputPlan {
        table: TABLE.to_owned(),
        columns: Columns {
            columns: vec![column("text", "string"), column("part", "int")],
            partition_by: vec!["part".to_owned()],
        },
        replaces: Replaces::Table,
        summed: Vec::new(),
    }
}

fn run_id(round: u64) -> RunId {
    RunId::of(&RunInputs {
        job: JOB,
        files: &[],
        parameters: &BTreeMap::from([("round".to_owned(), round.to_string())]),
        contracts: "",
        inputs: &BTreeMap::new(),
        version: "bench",
    })
}

/// Executes a whole run of `parts` parts; returns `false` if it was already done.
async fn run(store: &Store, round: u64, parts: u64) -> bool {
    let stop = StopSignal::never();
    let opened = commit::open(store, JOB, vec![plan()], OpenOptions::default());
    let opened = opened.await.expect("the job opens");
    let decision = opened.decide(run_id(round), &[], false).await;
    let Decision::Run(attempt) = decision.expect("the log is read") else {
        return false;
    };
    let body = Bytes::from(vec![b'x'; PART_BYTES]);
    let mut staged = Vec::new();
    for part in 0..parts {
        let partition = Partition::of([("part", part.to_string().as_str())]);
        let partition = partition.expect("a value");
        let mut writer = attempt
            .part(TABLE, partition, "bin")
            .await
            .expect("a part opens");
        writer.write(body.clone()).await.expect("bytes are taken");
        staged.push(writer.finish(1).await.expect("a part is staged"));
    }
    let rows = BTreeMap::from([(TABLE.to_owned(), parts)]);
    let staged = attempt.stage(staged, &rows, Value::Null).await;
    let committed = staged.expect("rows add up").commit(&Unfenced, &stop).await;
    let CommitOutcome::Committed(committed) = committed.expect("nothing interferes") else {
        panic!("no other run commits")
    };
    let published = committed.publish(&stop).await.expect("nothing interferes");
    matches!(published, PublishOutcome::Published(_))
}

fn commits(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(10);
    for parts in [1, 100, 1_000] {
        group.throughput(Throughput::Elements(parts));
        for place in ["memory", "folder"] {
            let (store, _folder) = if place == "memory" {
                (Store::memory(), None)
            } else {
                let (store, folder) = runtime.block_on(folder());
                (store, Some(folder))
            };
            let mut round = 0;
            group.bench_function(BenchmarkId::new(place, parts), |bencher| {
                bencher.iter(|| {
                    round += 1;
                    assert!(runtime.block_on(run(&store, round, parts)));
                });
            });
            // No round has run if the command line has deselected this benchmark.
            if round > 0 {
                let table = runtime.block_on(read_table(&store, JOB, TABLE));
                assert_eq!(table.expect("a table").objects.len() as u64, parts);
            }
        }
    }
    group.finish();
}

fn answers(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut group = criterion.benchmark_group("already done");
    for records in [1, 250] {
        let (store, _folder) = runtime.block_on(folder());
        for round in 1..=records {
            assert!(runtime.block_on(run(&store, round, 1)));
        }
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("folder", records), |bencher| {
            bencher.iter(|| {
                let ran = runtime.block_on(run(&store, black_box(records), 1));
                assert!(!ran, "the run is already done");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, commits, answers);
criterion_main!(benches);
