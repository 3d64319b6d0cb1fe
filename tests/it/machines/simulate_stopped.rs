//! Simulations that would not end by themselves: interrupted, or with a history that cannot be written.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::process_output::{ProcessOutput, signal};
use crate::support::sample_machines::ENDLESS;
use crate::support::sandbox::Sandbox;

#[test]
fn an_interrupt_stops_an_execution_on_either_clock_and_the_history_is_complete() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "wait.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1000, "End": true}}}"#,
    );
    sandbox.write("loop.json", ENDLESS);
    for line in [
        "simulate wait.json --real-time",
        "simulate loop.json --type express --max-events none",
    ] {
        let line = format!("{line} --output-format json --history history.jsonl");
        let _ = std::fs::remove_file(sandbox.path("history.jsonl"));
        let child = sandbox.start(&line);
        // The process handles signals before it writes the history.
        let began = Instant::now();
        while std::fs::metadata(sandbox.path("history.jsonl")).map_or(0, |file| file.len()) == 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "{line}");
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(&child, "INT");
        assert_eq!(
            ProcessOutput::wait_for(child).json(1),
            json!({"status": "ABORTED", "output": null, "error": null, "cause": null})
        );
        let text = sandbox.read("history.jsonl");
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["type"], "ExecutionAborted");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_history_that_cannot_be_written_ends_the_simulation() {
    let sandbox = Sandbox::new();
    sandbox.write("loop.json", ENDLESS);
    // The device is always full. A simulation that ignored the failed write would run forever.
    let line = "simulate loop.json --type express --max-events none --history /dev/full";
    sandbox
        .run(line)
        .fails(1, &["cannot write `/dev/full`", "No space left"]);
}
