//! Measures how fast raw text is decoded into accepted rows: `decode/<clean or dirty>/<rentals>`, in bytes of text per
//! second.
//!
//! Decodes all four datasets from memory with the contracts of the bundled job, including checks of keys and
//! references.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use datafusion::execution::runtime_env::RuntimeEnv;
use drivetrain_jobs::bundled;
use drivetrain_runner::generate::{DefectShare, SampleSettings, generate};
use drivetrain_runner::source::{InputObjects, ReadSettings, read};
use drivetrain_runner::store::Store;
use drivetrain_runner::watch::{Progress, StopSignal};
use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use tokio::runtime::Runtime;

const RENTALS: u64 = 300_000;

async fn sample(dirt: &str) -> (Vec<InputObjects>, u64, u64) {
    let place = Store::memory();
    let store = place.reader();
    let share = dirt.parse::<DefectShare>().expect("the share is a number");
    let settings = SampleSettings::new(RENTALS, 7, share).expect("the number of rentals is small");
    let (progress, stop) = (Progress::default(), StopSignal::never());
    let generated = generate(&settings, &place, &progress, &stop)
        .await
        .expect("memory takes a sample");
    let accepted = generated
        .manifest
        .datasets
        .iter()
        .map(|dataset| dataset.accepted_rows)
        .sum();
    let job = bundled::job("rental_facts").expect("the job is bundled");
    let mut inputs = Vec::new();
    for input in job.inputs {
        let table_root = Path::from(format!("raw/{}", input.name));
        let listing = store.list(Some(&table_root)).try_collect();
        inputs.push(InputObjects {
            objects: listing.await.expect("memory lists its objects"),
            display_root: format!("memory://{table_root}"),
            name: input.name,
            contract: input.contract,
            store: Arc::clone(&store),
            table_root,
            columns_needed: None,
            cluster_by: None,
        });
    }
    let bytes = inputs
        .iter()
        .flat_map(|input| &input.objects)
        .map(|object| object.size)
        .sum();
    (inputs, bytes, accepted)
}

fn decode(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("the system starts threads");
    let settings = ReadSettings {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        max_bad_share: 1.0,
        ..ReadSettings::default()
    };
    let mut group = criterion.benchmark_group("decode");
    group.sample_size(10);
    for (name, dirt) in [("clean", "0"), ("dirty_1_percent", "0.01")] {
        let (inputs, bytes, accepted) = runtime.block_on(sample(dirt));
        group.throughput(Throughput::Bytes(bytes));
        let id = BenchmarkId::new(name, RENTALS);
        group.bench_with_input(id, &inputs, |bencher, inputs| {
            bencher.to_async(&runtime).iter(|| async {
                let memory = Arc::new(RuntimeEnv::default());
                let sources = read(inputs.clone(), &settings, memory, &Progress::default())
                    .await
                    .expect("any share of rows may be bad");
                let found = sources
                    .datasets
                    .iter()
                    .map(|dataset| dataset.report.accepted);
                assert_eq!(found.sum::<u64>(), accepted);
                black_box(sources)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
