//! A definition: validated, and if it is one, run for a while with a task handler that echoes, unheard and heard.
#![no_main]

mod evaluator;

use std::time::Duration;

use drivetrain_statemachine::{
    Engine, Event, Machine, MachineType, Outcome, TaskCall, TaskFailure, validate,
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
    let unheard = run(&engine, &machine);
    let heard = run(&engine.history(check), &machine);
    assert_eq!(unheard, heard, "whether anybody listens changes nothing");
});

/// How long an execution may turn in circles; with large data each event takes a while.
const MOST_EVENTS: u64 = 3_000;

/// The longest event that is looked at.
const LONGEST_BYTES: usize = 4 << 10;

fn run(engine: &Engine, machine: &Machine) -> Option<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO can always be built");
    // Virtual time: a machine that only turns in circles passes no time, one that waits passes it at once.
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

fn check(event: &Event) {
    let mut written = Vec::new();
    event.write_json(&mut written);
    if written.len() <= LONGEST_BYTES {
        let serialised = serde_json::to_vec(event).expect("an event is JSON");
        assert_eq!(written, serialised);
    }
}

async fn echo(call: TaskCall) -> Result<Value, TaskFailure> {
    Ok(call.input)
}
