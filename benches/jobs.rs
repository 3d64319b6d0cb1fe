//! Measures how fast each bundled job runs, from raw text or published tables to published tables:
//! `job/<name>/<rentals>`, in rentals per second.

use std::any::Any;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drivetrain_jobs::bundled;
use drivetrain_runner::callback::NoWaiter;
use drivetrain_runner::commit::Unfenced;
use drivetrain_runner::generate::{DefectShare, SampleSettings, generate};
use drivetrain_runner::report::{Report, Status};
use drivetrain_runner::run::outcome::execute;
use drivetrain_runner::run::request::RunRequest;
use drivetrain_runner::run::settings::{RunSettings, Shape};
use drivetrain_runner::sink::parquet::file_settings::FileSettings;
use drivetrain_runner::source::OnBadRow;
use drivetrain_runner::sql::engine_settings::EngineSettings;
use drivetrain_runner::sql::memory::{MemoryLimit, OtherProcesses};
use drivetrain_runner::store::{Location, S3Settings, Store};
use drivetrain_runner::watch::{Progress, StageObserver, StopSignal};
use tokio::runtime::Runtime;

const RENTALS: u64 = 300_000;

/// The bundled jobs, each after those whose tables it reads.
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
        // Without `force`, every round but the first would be already done.
        force: true,
        replace_foreign: false,
        shape: Shape {
            on_bad_row: OnBadRow::Quarantine,
            max_rejected: 0.0,
            files: FileSettings::default(),
        },
        emr: None,
        engine: EngineSettings {
            memory: MemoryLimit::resolve(None, OtherProcesses::Ignored)
                .expect("the system reports its memory"),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            spill_dir: std::env::temp_dir(),
        },
    }
}

async fn once(name: &str, settings: &RunSettings) -> Report {
    let job = bundled::job(name).expect("the job is bundled");
    let stop = StopSignal::never();
    let prepared = async {
        Ok(RunRequest {
            job,
            settings: settings.clone(),
            fence: &Unfenced,
            stop: &stop,
            stages: &NoDisplay,
            started_at: chrono::Utc::now(),
            register: None,
        })
    };
    let ended = execute(name, prepared, &NoWaiter).await;
    ended.expect("the job runs")
}

/// Observer of stages that shows nothing.
struct NoDisplay;

impl StageObserver for NoDisplay {
    fn started(&self, _name: &'static str, _progress: &Progress) -> Box<dyn Any + Send> {
        Box::new(())
    }

    fn finished(&self, _name: &'static str, _progress: &Progress, _took: Duration) {}
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
        // Later jobs read the tables of earlier ones.
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
