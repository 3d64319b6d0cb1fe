//! Runs cases recorded from AWS with the real binary. The library passes them, and the command line must not change the
//! results.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::support::sandbox::Sandbox;

/// Start time of all recorded cases. One of them depends on the day.
const START: &str = "2026-11-22T00:00:00Z";

fn rows(file: &str) -> Vec<Value> {
    let folder = std::env::var_os("DRIVETRAIN_ASL_CORPUS")
        .map(PathBuf::from)
        .expect("DRIVETRAIN_ASL_CORPUS is the folder of the recorded cases");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Simulates a recorded case with additional flags; `None` if the simulation could not run.
fn simulate(sandbox: &Sandbox, row: &Value, input: &Value, flags: &[&str]) -> Option<Value> {
    sandbox.write("machine.asl.json", text(&row["definition"]));
    sandbox.write("input.json", input.to_string());
    let kind = row["type"].as_str().unwrap_or("STANDARD");
    let mut words = vec![
        "simulate",
        "machine.asl.json",
        "--input",
        "input.json",
        "--type",
        kind,
        "--start-time",
        START,
        "--output-format",
        "json",
    ];
    words.extend(flags);
    let ran = sandbox.run_words(&words);
    let object: Value = serde_json::from_str(&ran.stdout).unwrap();
    let code = match object["status"].as_str() {
        Some("SUCCEEDED") => 0,
        Some("FAILED" | "TIMED_OUT" | "ABORTED") => 1,
        _ => 2,
    };
    assert_eq!(ran.code, Some(code), "{}: {}", row["name"], ran.stderr);
    (code < 2).then_some(object)
}

/// `true` if status and error are as recorded. The output must be as well, unless it is random or was recorded with
/// wildcards.
fn is_as_recorded(row: &Value, object: &Value) -> bool {
    let expected = &row["expected_output"];
    let pattern = expected.to_string();
    let is_plain = row["nondeterministic"] != true
        && !["<", "date", "time", "Random", "role_arn", "1.", "e-", "0."]
            .iter()
            .any(|wildcard| pattern.contains(wildcard));
    object["status"] == row["expected_status"]
        && (row["expected_error"].is_null() || object["error"] == row["expected_error"])
        && (!is_plain || expected.is_null() || object["output"] == *expected)
}

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test --test it -- --ignored recorded_cases"]
fn machines_without_tasks_end_as_recorded() {
    let sandbox = Sandbox::new();
    let mut same = 0;
    let counted = rows("cases.jsonl");
    let counted = counted
        .iter()
        .filter(|row| row["expected_status"] != "ABORTED" && row["possible_drift"].is_null());
    for row in counted {
        let object = simulate(&sandbox, row, &row["input"], &[]);
        if object.is_some_and(|object| is_as_recorded(row, &object)) {
            same += 1;
        } else {
            println!("differs: {}", row["name"]);
        }
    }
    assert!(same >= 517, "{same}");
}

/// Builds a mock file from the recorded answers of a case; `None` if one of them is a timeout, which the file format
/// cannot express.
fn mock_file(row: &Value) -> Option<Value> {
    let mut states = Map::new();
    let mut responses: Map<String, Value> = Map::new();
    for mock in row["task_mocks"].as_array()? {
        if text(&mock["event"]).ends_with("TimedOut") {
            return None;
        }
        let state = text(&mock["state"]);
        let answer = if text(&mock["event"]).ends_with("Failed") {
            let cause = match &mock["cause"] {
                Value::Null => Value::Null,
                cause => text(cause).into(),
            };
            json!({"Throw": {"Error": mock["error"], "Cause": cause}})
        } else {
            json!({"Return": mock["output"]})
        };
        states.insert(state.clone(), state.clone().into());
        let response = responses.entry(state).or_insert_with(|| json!({}));
        let call = response.as_object()?.len();
        response[call.to_string()] = answer;
    }
    Some(json!({
        "StateMachines": {"machine": {"TestCases": {"Recorded": states}}},
        "MockedResponses": responses,
    }))
}

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test --test it -- --ignored recorded_cases"]
fn machines_with_tasks_end_as_recorded_with_mocks_and_folders() {
    let (mut same, mut total) = (0, 0);
    for row in rows("task_cases.jsonl") {
        let Some(mocks) = mock_file(&row) else {
            continue;
        };
        let sandbox = Sandbox::new();
        sandbox.write("mocks.json", mocks.to_string());
        let mut flags = vec!["--mocks", "mocks.json", "--case", "Recorded"];
        let objects = row["s3_objects"].as_array().cloned().unwrap_or_default();
        let mut buckets: Vec<String> = Vec::new();
        for object in &objects {
            let bucket = text(&object["bucket"]);
            sandbox.write(
                &format!("{bucket}/{}", text(&object["key"])),
                text(&object["body"]),
            );
            buckets.push(format!("{bucket}={bucket}"));
        }
        buckets.dedup();
        for bucket in &buckets {
            flags.extend(["--s3", bucket.as_str()]);
        }
        let input = match &row["history"][0]["input"] {
            Value::Null => row["input"].clone(),
            Value::String(text) => {
                serde_json::from_str(text).unwrap_or_else(|_| text.clone().into())
            }
            value => value.clone(),
        };
        total += 1;
        let object = simulate(&sandbox, &row, &input, &flags);
        if object.is_some_and(|object| is_as_recorded(&row, &object)) {
            same += 1;
        } else {
            println!("differs: {}", row["name"]);
        }
    }
    println!("{same} of {total}");
    // Four cases have no answers. The library's own test expects the same number.
    assert!(total > 60 && same + 4 >= total, "{same} of {total}");
}

#[test]
#[ignore = "needs the recorded cases: DRIVETRAIN_ASL_CORPUS=<folder> cargo test --test it -- --ignored recorded_cases"]
fn states_are_tested_as_recorded() {
    let sandbox = Sandbox::new();
    let (mut same, mut total) = (0, 0);
    for row in rows("test_state.jsonl") {
        let expected = &row["expected"];
        if expected["status"].is_null() {
            continue;
        }
        let mut request = row["args"].clone();
        request["definition"] = text(&row["definition"]).into();
        sandbox.write("request.json", request.to_string());
        let ran = sandbox.run("test-state --request request.json");
        let response: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        total += 1;
        let is_same = ["status", "nextState", "error"]
            .iter()
            .all(|name| response[*name] == expected[*name]);
        if is_same {
            same += 1;
        } else {
            println!("differs: {} {} {}", row["name"], ran.stdout, ran.stderr);
        }
    }
    println!("{same} of {total}");
    // Three cases call a Lambda function without a mock.
    assert!(total > 50 && same + 3 >= total, "{same} of {total}");
}
