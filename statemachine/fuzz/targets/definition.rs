//! A definition: validated and, if valid, run with a task handler that echoes its input, once without a history and
//! once with one.
#![no_main]

mod evaluator;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drivetrain_statemachine::{
    Engine, Event, History, HistorySink, JsonLines, Machine, MachineType, Outcome, TaskCall, TaskFailure, validate,
};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    evaluator::let_its_panics_pass();
    for machine_type in [MachineType::Standard, MachineType::Express] {
        let _ = validate(text, machine_type);
    }
    let Ok(machine) = Machine::parse(text) else {
        return;
    };
    let engine = Engine::new(echo).seed(1).max_events(Some(MOST_EVENTS));
    let without_history = run(&engine, &machine);
    let lines = Lines::default();
    let writer = JsonLines::new(lines.clone());
    let events = History::default();
    let both = {
        let (writer, events) = (writer.clone(), events.clone());
        move |event: &Event| {
            writer.record(event);
            events.record(event);
        }
    };
    let with_history = run(&engine.history(both), &machine);
    writer.finish().expect("memory takes every line");
    check(&events.events(), &lines);
    assert_eq!(without_history, with_history, "a history changes nothing");
});

/// The number of events after which a looping execution is ended; with large data each event takes a while.
const MOST_EVENTS: u64 = 3_000;

/// The longest event that is compared.
const LONGEST_BYTES: usize = 4 << 10;

/// The lines of a history, in memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn run(engine: &Engine, machine: &Machine) -> Option<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO can always be built");
    // Virtual time: a machine that only loops passes no time, one that waits passes it at once.
    let outcome = runtime.block_on(async {
        tokio::time::timeout(
            Duration::from_secs(3600),
            engine.run(machine, json!({"a": [1, 2]})),
        )
        .await
    });
    outcome
        .ok()
        .map(|outcome| outcome.expect("the input is small"))
}

/// Compares the written lines with the serialized events.
fn check(events: &[Event], lines: &Lines) {
    let lines = lines.0.lock().expect("no writer panics");
    for (event, line) in events.iter().zip(lines.split(|byte| *byte == b'\n')) {
        if line.len() <= LONGEST_BYTES {
            let serialized = serde_json::to_vec(event).expect("an event is JSON");
            assert_eq!(line, serialized);
        }
    }
}

async fn echo(call: TaskCall) -> Result<Value, TaskFailure> {
    Ok(call.input)
}
