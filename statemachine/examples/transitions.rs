//! Runs one of the measured machines and prints its speed and its memory as JSON.
//!
//!     cargo run --release -p drivetrain-statemachine --example transitions -- chain 2500 history.jsonl
//!
//! Without the last argument no history is written. With `--input` instead, the input is printed, to run another engine
//! with it.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the program around the engine may read arguments, files and the clock, and print"
)]

#[path = "../benches/machines/mod.rs"]
mod machines;

use std::error::Error;
use std::fs::File;
use std::time::{Duration, Instant};

use drivetrain_statemachine::{Engine, JsonLines, Machine, Status, TaskCall, TaskFailure};
use serde_json::{Value, json};

use machines::MEASURED;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(size)) = (arguments.next(), arguments.next()) else {
        return Err(
            "usage: transitions <chain|map|intrinsics|jsonata> <size> [history file | --input]"
                .into(),
        );
    };
    let size: u64 = size.parse()?;
    let measured = MEASURED
        .iter()
        .find(|measured| measured.name == name)
        .ok_or_else(|| format!("there is no machine `{name}`"))?;
    let machine = Machine::parse(measured.definition)?;
    let input = (measured.input)(size);
    let mut engine = Engine::new(no_task).max_events(None);
    let lines = match arguments.next() {
        Some(flag) if flag == "--input" => {
            println!("{input}");
            return Ok(());
        }
        Some(path) => Some(JsonLines::new(File::create(path)?)),
        None => None,
    };
    if let Some(lines) = &lines {
        engine = engine.history(lines.clone());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let processor_before = processor_seconds();
    let started = Instant::now();
    let outcome = runtime.block_on(engine.run(&machine, input))?;
    if let Some(lines) = lines {
        lines.finish()?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let processor = processor_seconds().zip(processor_before);
    if outcome.status != Status::Succeeded {
        return Err(format!("{name} ended as {outcome:?}").into());
    }
    let transitions = (measured.transitions)(size);
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate needs no more than 52 bits"
    )]
    let per_second = (transitions as f64 / seconds).round();
    println!(
        "{}",
        json!({
            "machine": name, "transitions": transitions, "events": outcome.events, "seconds": seconds,
            "processor_seconds": processor.map(|(after, before)| after - before),
            "transitions_per_second": per_second, "peak_resident_kib": peak_resident_kib(),
        })
    );
    Ok(())
}

async fn no_task(call: TaskCall) -> Result<Value, TaskFailure> {
    Err(TaskFailure::new("NoTask", call.state))
}

/// Returns the processor time of all threads of this process, including those that have ended.
#[cfg(unix)]
fn processor_seconds() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;

    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let times = [usage.user_time(), usage.system_time()];
    let microseconds: i64 = times.iter().map(TimeValLike::num_microseconds).sum();
    Some(Duration::from_micros(microseconds.try_into().ok()?).as_secs_f64())
}

#[cfg(not(unix))]
fn processor_seconds() -> Option<f64> {
    None
}

/// Returns the peak memory of the process, if the system reports it.
fn peak_resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
