//! Simulations that would not end by themselves: interrupted, or with a history that nobody can take.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::sandbox::Sandbox;

const ENDLESS: &str = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Choice", "Choices":
    [{"Variable": "$.x", "IsPresent": true, "Next": "C"}], "Default": "A"}, "C": {"Type": "Succeed"}}}"#;

#[test]
fn an_interrupt_stops_the_execution_in_any_time_and_the_history_is_whole() {
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
        let words: Vec<&str> = line.split_whitespace().collect();
        let _ = std::fs::remove_file(sandbox.path("history.jsonl"));
        let child = sandbox
            .command(&words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The history begins after the process listens.
        let began = Instant::now();
        while std::fs::metadata(sandbox.path("history.jsonl")).map_or(0, |file| file.len()) == 0 {
            assert!(began.elapsed() < Duration::from_secs(30), "{line}");
            std::thread::sleep(Duration::from_millis(5));
        }
        let killed = std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        let ended: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            ended,
            json!({"status": "ABORTED", "output": null, "error": null, "cause": null})
        );
        let text = std::fs::read_to_string(sandbox.path("history.jsonl")).unwrap();
        let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(last["type"], "ExecutionAborted");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_history_that_cannot_be_written_ends_the_simulation() {
    let sandbox = Sandbox::new();
    sandbox.write("loop.json", ENDLESS);
    // The device on which there is no space left; without an end the simulation would run for ever.
    let line = "simulate loop.json --type express --max-events none --history /dev/full";
    sandbox
        .run(line)
        .fails(1, &["cannot write `/dev/full`", "No space left"]);
}
