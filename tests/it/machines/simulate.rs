//! `drivetrain simulate`: one execution offline, with its history, its tree and its exit code.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::sample_machines::{ENDLESS, orders};
use crate::support::sandbox::Sandbox;

#[test]
fn json_output_is_one_object_with_the_whole_history() {
    let sandbox = orders();
    let line = "simulate orders.asl.json --input input.json --mocks mocks.json --case SecondTry \
                --start-time 2026-01-31T12:00:00Z";
    let mut simulated = sandbox.json_with_code(line, 0);
    let history = simulated["history"].take();
    assert_eq!(
        simulated,
        json!({"status": "SUCCEEDED", "output": {"label": "x"}, "error": null, "cause": null, "history": null})
    );
    let events = history.as_array().unwrap();
    assert_eq!(events[0]["type"], "ExecutionStarted");
    assert_eq!(events[0]["timestamp"], "2026-01-31T12:00:00.000Z");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "ExecutionSucceeded");
    assert_eq!(
        last["timestamp"], "2026-01-31T13:00:01.000Z",
        "a retry's second and an hour"
    );
    assert_eq!(
        last["executionSucceededEventDetails"]["output"],
        r#"{"label":"x"}"#
    );

    let streamed = sandbox.json_with_code(&format!("{line} --history history.jsonl"), 0);
    assert!(streamed.get("history").is_none(), "{streamed}");
    let text = sandbox.read("history.jsonl");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        Value::Array(lines),
        history,
        "another run, the same history"
    );
}

#[test]
fn text_output_is_a_tree_and_the_location_of_the_failure() {
    let sandbox = orders();
    let ran = sandbox.run_words(&[
        "simulate",
        "orders.asl.json",
        "--input",
        r#"{"items": [1, 2]}"#,
        "--mocks",
        "mocks.json",
        "--case",
        "SecondTry",
        "--show-data",
    ]);
    ran.ends_with(1);
    ran.prints(&[
        "├─ Each  Map  1 s  ok, 2 iterations\n",
        "│  ├─ iteration 0\n│  │  └─ Work  Task  1 s  ok, retried 1 time\n",
        "failed after 0 s: Slow: try again\n",
        "output  \"done\"\n",
        "├─ Rest  Wait  1 h  ok\n",
        "└─ Pick  Pass  0 s  FAILED\n",
        "FAILED after 1 h of virtual time",
        "error: States.Runtime\n",
        "where: state `Pick`, field `Parameters/label.$`, orders.asl.json:14:33\n",
    ]);
}

#[test]
fn ten_thousand_iterations_are_summarized() {
    let sandbox = orders();
    sandbox.write(
        "many.json",
        r#"{"StartAt": "Make", "States": {
            "Make": {"Type": "Pass", "Parameters": {"rows.$": "States.ArrayRange(1, 1000, 1)"}, "Next": "Each"},
            "Each": {"Type": "Map", "ItemsPath": "$.rows", "ItemProcessor": {
                "StartAt": "Ten", "States": {"Ten": {"Type": "Map", "ItemsPath": "$.ten",
                    "ItemSelector": {"n.$": "$$.Map.Item.Value"},
                    "ItemProcessor": {"StartAt": "Row", "States": {"Row": {"Type": "Pass", "End": true}}}, "End": true}}
            }, "ItemSelector": {"ten.$": "States.ArrayRange(1, 10, 1)"}, "ResultPath": null, "End": true}
        }}"#,
    );
    let ran = sandbox.run("simulate many.json --max-events none");
    ran.succeeds();
    ran.prints(&["1,000 iterations"]);
    ran.prints(&["Row  10,000 visits"]);
    assert!(ran.stdout.lines().count() < 10, "{}", ran.stdout);
    // The Map has so many items that its output may be long.
    let items: Vec<u32> = (0..2_000).collect();
    sandbox.write("items.json", json!({ "items": items }).to_string());
    sandbox.write(
        "items.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "OutputPath": "$.items", "End": true}}}"#,
    );
    let ran = sandbox.run("simulate items.asl.json --input items.json");
    assert!(ran.succeeds().stdout.lines().count() < 10, "{}", ran.stdout);
    ran.prints(&["output: [0,1,2,"]);
}

#[test]
fn an_invalid_definition_is_refused_and_warnings_are_not() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "bad.asl.json",
        "{\"StartAt\": \"A\",\n \"States\": {\"A\": {\"Type\": \"Pass\", \"Next\": \"B\"}, \"C\": {\"Type\": \"Succeed\"}}}",
    );
    let refused = sandbox.json_with_code("simulate bad.asl.json", 2);
    assert_eq!(refused["status"], "INVALID");
    let diagnostics = refused["diagnostics"].as_array().unwrap();
    assert_eq!(diagnostics.len(), 2, "{refused}");
    assert_eq!(diagnostics[0]["code"], "MISSING_TRANSITION_TARGET");
    assert_eq!(diagnostics[0]["severity"], "ERROR");
    assert_eq!(diagnostics[0]["pointer"], "/States/A/Next");
    assert_eq!(
        (&diagnostics[0]["line"], &diagnostics[0]["column"]),
        (&json!(2), &json!(43))
    );
    let ran = sandbox.run("simulate bad.asl.json");
    ran.fails(2, &["bad.asl.json", "2 errors"]);
    ran.prints(&["bad.asl.json:2:43  error  MISSING_TRANSITION_TARGET  /States/A/Next\n"]);

    sandbox.write(
        "sync.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": true}}}"#,
    );
    sandbox.write(
        "sync.mocks.json",
        r#"{"StateMachines": {"any": {"TestCases": {"c": {"A": "A"}}}}, "MockedResponses": {"A": {"0": {"Return": 1}}}}"#,
    );
    sandbox.json_with_code("simulate sync.asl.json --mocks sync.mocks.json", 0);
    sandbox.json_with_code(
        "simulate sync.asl.json --mocks sync.mocks.json --type EXPRESS",
        2,
    );
    assert_eq!(sandbox.run("simulate nowhere.json").code, Some(3));
    sandbox.write("text.json", "no json");
    assert_eq!(
        sandbox.json_with_code("simulate text.json", 2)["diagnostics"][0]["code"],
        "INVALID_JSON_DESCRIPTION"
    );
}

#[test]
fn each_end_has_its_status_and_exit_code() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "fail.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "E", "Cause": "c"}}}"#,
    );
    let failed = sandbox.json_with_code("simulate fail.json", 1);
    assert_eq!(
        (
            &failed["status"],
            &failed["output"],
            &failed["error"],
            &failed["cause"]
        ),
        (&json!("FAILED"), &Value::Null, &json!("E"), &json!("c"))
    );
    sandbox.write(
        "slow.json",
        r#"{"TimeoutSeconds": 5, "StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 9, "End": true}}}"#,
    );
    let timed_out = sandbox.json_with_code("simulate slow.json", 1);
    assert_eq!(timed_out["status"], "TIMED_OUT");
    assert_eq!(timed_out["error"], Value::Null);
    sandbox.write("loop.json", ENDLESS);
    let standard = sandbox.json_with_code("simulate loop.json --history l.jsonl", 1);
    assert_eq!(
        standard["cause"],
        "The execution reached the maximum number of history events (25000)."
    );
    let short = sandbox.json_with_code("simulate loop.json --max-events 100 --type express", 1);
    assert_eq!(short["history"].as_array().unwrap().len(), 100);
}

#[test]
fn a_seed_decides_what_is_random() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "random.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "End": true}}}"#,
    );
    let id = |seed: u32| {
        sandbox.json_with_code(&format!("simulate random.json --seed {seed}"), 0)["output"]["id"]
            .clone()
    };
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
}

#[test]
fn virtual_time_does_not_wait_and_real_time_does() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "wait.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "End": true}}}"#,
    );
    sandbox.write(
        "years.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 99999999, "End": true}}}"#,
    );
    let began = Instant::now();
    sandbox.run("simulate wait.json --real-time").succeeds();
    assert!(began.elapsed() >= Duration::from_secs(1));
    let ran = sandbox.run("simulate years.json");
    ran.succeeds().prints(&["1157 d"]);
}

#[test]
fn the_field_that_failed_is_marked_whatever_its_kind() {
    let sandbox = Sandbox::new();
    for (state, field) in [
        (
            r#""Type": "Pass", "Parameters": {"a.$": "States.MathAdd($.q, 1)"}"#,
            "Parameters/a.$",
        ),
        (
            r#""Type": "Pass", "Parameters": {"a.$": "States.Format('{}')"}"#,
            "Parameters/a.$",
        ),
        (r#""Type": "Wait", "SecondsPath": "$.x""#, "SecondsPath"),
        (r#""Type": "Wait", "SecondsPath": "$.below""#, "SecondsPath"),
        (
            r#""Type": "Wait", "TimestampPath": "$.below""#,
            "TimestampPath",
        ),
        (
            r#""Type": "Pass", "Result": 1, "ResultPath": "$.below.b.c""#,
            "ResultPath",
        ),
        (
            r#""Type": "Map", "ItemsPath": "$.x",
              "ItemProcessor": {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": true}}}"#,
            "ItemsPath",
        ),
    ] {
        let definition =
            format!(r#"{{"StartAt": "A", "States": {{"A": {{{state}, "End": true}}}}}}"#);
        sandbox.write("one.json", definition);
        let ran = sandbox.run(r#"simulate one.json --input {"below":-1}"#);
        let expected = format!("where: state `A`, field `{field}`, one.json:");
        assert!(ran.stdout.contains(&expected), "{state}: {}", ran.stdout);
    }
}
