//! A definition: validated, and if it is one, run for a while with a task handler that echoes.
#![no_main]

mod evaluator;

use std::time::Duration;

use drivetrain_statemachine::{Engine, Machine, MachineType, TaskCall, TaskError, validate};
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
    let engine = Engine::new(echo)
        .start_time(chrono::DateTime::UNIX_EPOCH)
        .seed(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO can always be built");
    // Virtual time: a machine that only turns in circles passes no time, one that waits passes it at once.
    let _ = runtime.block_on(async {
        tokio::time::timeout(
            Duration::from_secs(3600),
            engine.run(&machine, json!({"a": [1, 2]})),
        )
        .await
    });
});

async fn echo(call: TaskCall) -> Result<Value, TaskError> {
    Ok(call.input)
}
