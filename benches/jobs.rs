//! How fast each bundled job runs, from raw text or published tables to published tables: `job/<name>/<rentals>`, in rentals
//! per second.

use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drivetrain_jobs::bundled;
use drivetrain_runner::commit::{StopSignal, Unfenced};
use drivetrain_runner::display::Display;
use drivetrain_runner::generate::{DefectShare, SampleSettings, generate};
use drivetrain_runner::memory::MemoryLimit;
use drivetrain_runner::progress::Progress;
use drivetrain_runner::report::{Report, Status};
use drivetrain_runner::run::{Run, run};
use drivetrain_runner::settings::{Engine, RunSettings, Shape, processors};
use drivetrain_runner::sink::parquet::FileSettings;
use drivetrain_runner::source::OnBadRow;
use drivetrain_runner::store::{Location, S3Settings, Store};
use tokio::runtime::Runtime;

const RENTALS: u64 = 300_000;

/// In the order in which one needs another.
const JOBS: [&str; 3] = [
    "rental_facts",
    "vehicle_location_metrics",
    "user_transaction_analysis",
];

fn settings(root: &Path) -> RunSettings {
    let location = |folder: &str| {
        let path = root.join(folder);
        Location::parse(path.to_str().expect("an UTF-8 path")).expect("a location")
    };
    RunSettings {
        input: Some(location("data")),
        output: location("lake"),
        parameters: std::collections::BTreeMap::default(),
        checks: Vec::new(),
        // Otherwise every round but the first would find that it is done.
        force: true,
        replace_foreign: false,
        shape: Shape {
            on_bad_row: OnBadRow::Quarantine,
            max_rejected: 0.0,
            files: FileSettings::default(),
        },
        engine: Engine {
            memory: MemoryLimit::resolve(None).expect("the system tells its memory"),
            threads: processors(),
            spill_dir: std::env::temp_dir(),
        },
    }
}

async fn once(name: &str, settings: &RunSettings) -> Report {
    let job = bundled::job(name).expect("the job is bundled");
    let (stop, display) = (StopSignal::never(), Display::new());
    let running = Run {
        job: &job,
        settings,
        fence: &Unfenced,
        stop: &stop,
        display: &display,
        started_at: chrono::Utc::now(),
    };
    run(&running).await.expect("the job runs")
}

fn jobs(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("the system starts threads");
    let root = tempfile::tempdir().expect("a temporary folder");
    let sample = SampleSettings::new(RENTALS, 7, DefectShare::ZERO).expect("few rentals");
    let settings = settings(root.path());
    let generated = async {
        let input = settings.input.as_ref().expect("the jobs read raw data");
        let store = Store::create(input, &S3Settings::default()).await?;
        let (progress, stop) = (Progress::default(), StopSignal::never());
        generate(&sample, &store, &progress, &stop).await
    };
    runtime
        .block_on(generated)
        .expect("the folder takes a sample");
    let mut group = criterion.benchmark_group("job");
    group.sample_size(10);
    group.throughput(Throughput::Elements(RENTALS));
    for name in JOBS {
        // What comes later reads what came before.
        let expected = runtime.block_on(once(name, &settings));
        let rows = |report: &Report| -> Vec<u64> {
            report.outputs.iter().map(|output| output.rows).collect()
        };
        group.bench_function(BenchmarkId::new(name, RENTALS), |bencher| {
            bencher.iter(|| {
                let report = runtime.block_on(once(name, &settings));
                assert_eq!(report.status, Status::Committed);
                assert_eq!(rows(&report), rows(&expected));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, jobs);
criterion_main!(benches);
