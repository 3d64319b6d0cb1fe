//! Transitions per second of whole executions, with the history written as JSON Lines.

#[path = "machines/mod.rs"]
mod machines;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drivetrain_statemachine::{Engine, JsonLines, Machine, Status, TaskCall, TaskFailure};
use serde_json::Value;

use machines::MEASURED;

/// The number of loop iterations: enough that the start of an execution does not matter.
const TURNS: u64 = 1_000;
/// The number of items of the Map.
const ITEMS: u64 = 10_000;

fn executions(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO can always be built");
    let mut group = criterion.benchmark_group("execution");
    group.sample_size(20);
    for measured in &MEASURED {
        let size = if measured.name == "map" { ITEMS } else { TURNS };
        let machine = Machine::parse(measured.definition).expect("the machine is right");
        let engine = Engine::new(no_task)
            .max_events(None)
            .history(JsonLines::new(std::io::sink()));
        let input = (measured.input)(size);
        group.throughput(Throughput::Elements((measured.transitions)(size)));
        group.bench_function(BenchmarkId::new(measured.name, size), |bencher| {
            bencher.iter(|| {
                let outcome = runtime.block_on(engine.run(&machine, input.clone()));
                let outcome = outcome.expect("the input is small");
                assert_eq!(outcome.status, Status::Succeeded);
                outcome
            });
        });
    }
    group.finish();
}

async fn no_task(call: TaskCall) -> Result<Value, TaskFailure> {
    Err(TaskFailure::new("NoTask", call.state))
}

criterion_group!(benches, executions);
criterion_main!(benches);
