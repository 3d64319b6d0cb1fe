//! `drivetrain simulate`: one execution offline, through the real binary.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::Place;

/// A Map whose task is retried, an hour of waiting, then a field that is not there unless the input has it.
const ORDERS: &str = r#"{
  "StartAt": "Each",
  "States": {
    "Each": {
      "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 1, "ResultPath": "$.results",
      "ItemProcessor": {"StartAt": "Work", "States": {"Work": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 60,
        "Retry": [{"ErrorEquals": ["Slow"], "MaxAttempts": 2}, {"ErrorEquals": ["States.ALL"]}], "End": true}}},
      "Next": "Rest"
    },
    "Rest": {"Type": "Wait", "Seconds": 3600, "Next": "Pick"},
    "Pick": {
      "Type": "Pass",
      "Parameters": {"label.$": "$.label"},
      "End": true
    }
  }
}"#;

const MOCKS: &str = r#"{
  "StateMachines": {
    "orders": {"TestCases": {"SecondTry": {"Work": "SecondTry"}, "Nothing": {}}},
    "renamed": {"TestCases": {"Only": {"Work": "SecondTry"}}}
  },
  "MockedResponses": {
    "SecondTry": {"0": {"Throw": {"Error": "Slow", "Cause": "try again"}}, "1-2": {"Return": "done"}}
  }
}"#;

fn orders() -> Place {
    let place = Place::new();
    place.write("orders.asl.json", ORDERS);
    place.write("mocks.json", MOCKS);
    place.write("input.json", r#"{"items": [1, 2], "label": "x"}"#);
    place
}

/// Runs the binary with JSON on standard output, which must hold one object and nothing else.
fn object(place: &Place, line: &str, code: i32) -> Value {
    let ran = place.run(&format!("{line} --output-format json"));
    assert_eq!(ran.code, Some(code), "{line}\n{}{}", ran.stdout, ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn a_program_gets_one_object_with_the_whole_history() {
    let place = orders();
    let line = "simulate orders.asl.json --input input.json --mocks mocks.json --case SecondTry \
                --start-time 2026-01-31T12:00:00Z";
    let mut simulated = object(&place, line, 0);
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

    let streamed = object(&place, &format!("{line} --history history.jsonl"), 0);
    assert!(streamed.get("history").is_none(), "{streamed}");
    let text = std::fs::read_to_string(place.path("history.jsonl")).unwrap();
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
fn a_person_gets_a_tree_and_the_place_of_the_failure() {
    let place = orders();
    let ran = place.run_words(&[
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
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    for expected in [
        "├─ Each  Map  1 s  ok, 2 iterations\n",
        "│  ├─ iteration 0\n│  │  └─ Work  Task  1 s  ok, tried again 1 time\n",
        "failed after 0 s: Slow: try again\n",
        "output  \"done\"\n",
        "├─ Rest  Wait  1 h  ok\n",
        "└─ Pick  Pass  0 s  FAILED\n",
        "FAILED after 1 h of virtual time",
        "error: States.Runtime\n",
        "where: state `Pick`, field `Parameters/label.$`, orders.asl.json:14:33\n",
    ] {
        assert!(
            ran.stdout.contains(expected),
            "expected `{expected}` in\n{}",
            ran.stdout
        );
    }
}

#[test]
fn ten_thousand_iterations_are_summed_up() {
    let place = orders();
    place.write(
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
    let ran = place.run("simulate many.json --max-events none");
    ran.succeeds();
    assert!(ran.stdout.contains("1,000 iterations"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Row  10,000 visits"), "{}", ran.stdout);
    assert!(ran.stdout.lines().count() < 10, "{}", ran.stdout);
    // The output may be as long as the Map.
    let items: Vec<u32> = (0..2_000).collect();
    place.write("items.json", json!({ "items": items }).to_string());
    place.write(
        "items.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "OutputPath": "$.items", "End": true}}}"#,
    );
    let ran = place.run("simulate items.asl.json --input items.json");
    assert!(ran.succeeds().stdout.lines().count() < 10, "{}", ran.stdout);
    assert!(ran.stdout.contains("output: [0,1,2,"), "{}", ran.stdout);
}

#[test]
fn an_invalid_definition_is_told_at_once_and_warnings_refuse_nothing() {
    let place = Place::new();
    place.write(
        "bad.asl.json",
        "{\"StartAt\": \"A\",\n \"States\": {\"A\": {\"Type\": \"Pass\", \"Next\": \"B\"}, \"C\": {\"Type\": \"Succeed\"}}}",
    );
    let refused = object(&place, "simulate bad.asl.json", 2);
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
    let ran = place.run("simulate bad.asl.json");
    ran.fails(2, &["bad.asl.json", "2 errors"]);
    assert!(
        ran.stdout
            .contains("bad.asl.json:2:43  error  MISSING_TRANSITION_TARGET  /States/A/Next\n"),
        "{}",
        ran.stdout
    );

    place.write(
        "sync.asl.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": true}}}"#,
    );
    place.write(
        "sync.mocks.json",
        r#"{"StateMachines": {"any": {"TestCases": {"c": {"A": "A"}}}}, "MockedResponses": {"A": {"0": {"Return": 1}}}}"#,
    );
    object(&place, "simulate sync.asl.json --mocks sync.mocks.json", 0);
    object(
        &place,
        "simulate sync.asl.json --mocks sync.mocks.json --type EXPRESS",
        2,
    );
    assert_eq!(place.run("simulate nowhere.json").code, Some(3));
    place.write("text.json", "no json");
    assert_eq!(
        object(&place, "simulate text.json", 2)["diagnostics"][0]["code"],
        "INVALID_JSON_DESCRIPTION"
    );
}

#[test]
fn each_end_has_its_status_and_exit_code() {
    let place = Place::new();
    place.write(
        "fail.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "E", "Cause": "c"}}}"#,
    );
    let failed = object(&place, "simulate fail.json", 1);
    assert_eq!(
        (
            &failed["status"],
            &failed["output"],
            &failed["error"],
            &failed["cause"]
        ),
        (&json!("FAILED"), &Value::Null, &json!("E"), &json!("c"))
    );
    place.write(
        "slow.json",
        r#"{"TimeoutSeconds": 5, "StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 9, "End": true}}}"#,
    );
    let timed_out = object(&place, "simulate slow.json", 1);
    assert_eq!(timed_out["status"], "TIMED_OUT");
    assert_eq!(timed_out["error"], Value::Null);
    place.write(
        "loop.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Choice", "Choices":
            [{"Variable": "$.x", "IsPresent": true, "Next": "C"}], "Default": "A"}, "C": {"Type": "Succeed"}}}"#,
    );
    let standard = object(&place, "simulate loop.json --history l.jsonl", 1);
    assert_eq!(
        standard["cause"],
        "The execution reached the maximum number of history events (25000)."
    );
    let short = object(
        &place,
        "simulate loop.json --max-events 100 --type express",
        1,
    );
    assert_eq!(short["history"].as_array().unwrap().len(), 100);
}

#[test]
fn mocks_are_chosen_by_machine_and_case() {
    let place = orders();
    let base = "simulate orders.asl.json --input input.json --mocks mocks.json";
    object(&place, &format!("{base} --name renamed"), 0);
    place
        .run(base)
        .fails(2, &["mocks.json", "`Nothing`, `SecondTry`"]);
    place
        .run(&format!("{base} --case Third"))
        .fails(2, &["`Third`", "`Nothing`, `SecondTry`"]);
    place
        .run(&format!("{base} --case Only --name other"))
        .fails(2, &["`other`", "`orders`, `renamed`"]);
    place
        .run("simulate orders.asl.json --mocks nowhere.json --case x")
        .fails(3, &["nowhere.json"]);
    let alone = place.run("simulate orders.asl.json --case SecondTry");
    assert_eq!(alone.code, Some(2), "{}", alone.stderr);
    place.write(
        "wrong.json",
        "{\"StateMachines\": {\"orders\": {\"TestCases\": {\"c\": {\"Work\": \"R\", \"X\": 7}}}},\n \"MockedResponses\": {\"R\": {\"-1\": {}}}}",
    );
    place
        .run("simulate orders.asl.json --mocks wrong.json --case c")
        .fails(
            2,
            &[
                "wrong.json:2:34: error INVALID_MOCKS /MockedResponses/R/-1",
                "wrong.json:1:69: error INVALID_MOCKS /StateMachines/orders/TestCases/c/X",
            ],
        );
}

#[test]
fn a_call_without_an_answer_ends_the_simulation_whatever_would_catch_it() {
    let place = orders();
    let base = "simulate orders.asl.json --mocks mocks.json";
    place.write("more.json", r#"{"items": [1, 2, 3], "label": "x"}"#);
    let ran = place.run(&format!("{base} --case SecondTry --input more.json"));
    ran.fails(
        2,
        &["case `SecondTry`", "call 3", "state `Work`", "mocks.json"],
    );
    assert!(ran.stdout.contains("iteration 2"), "{}", ran.stdout);
    let ran = place.run(&format!("{base} --case Nothing --input more.json"));
    ran.fails(2, &["call 0", "state `Work`"]);
    let ran = place.run("simulate orders.asl.json --input more.json --output-format json");
    ran.fails(2, &["call 0", "state `Work`", "no mocks were given"]);
    let object: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(object["error"]["exit_code"], 2);
}

#[test]
fn bad_words_are_usage() {
    let place = orders();
    let base = "simulate orders.asl.json";
    place.write("broken.json", "{\n \"a\": }");
    place
        .run(&format!("{base} --input broken.json"))
        .fails(2, &["broken.json", "line 2 column 7"]);
    place
        .run(&format!("{base} --input nowhere.json"))
        .fails(3, &["nowhere.json"]);
    place
        .run_words(&["simulate", "orders.asl.json", "--input", "{\"a\""])
        .fails(2, &["--input"]);
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(300_000));
    place.write("large.json", large);
    place
        .run(&format!("{base} --input large.json"))
        .fails(2, &["262144 bytes"]);
    for flags in [
        "--start-time yesterday",
        "--start-time 2026-01-31",
        "--max-events 0",
        "--max-events -1",
        "--name a/b",
        "--history orders.asl.json",
        "--children h.jsonl --history h.jsonl",
        "--max-events many",
        "--type QUICK",
        "--seed -1",
        "--s3 bucket",
        "--s3 =folder",
        "--output-format sarif",
    ] {
        let ran = place.run(&format!("{base} {flags}"));
        assert_eq!(ran.code, Some(2), "{flags}: {}", ran.stderr);
        assert!(ran.stderr.contains("error: "), "{flags}: {}", ran.stderr);
    }
    place
        .run(&format!("{base} --s3 bucket=nowhere"))
        .fails(3, &["`nowhere`", "`bucket`"]);
    place
        .run(&format!("{base} --s3 b=. --s3 b=."))
        .fails(2, &["two folders"]);
    place
        .run(&format!("{base} --history no/such/folder.jsonl"))
        .fails(1, &["no/such/folder.jsonl"]);
    assert_eq!(
        std::fs::read_to_string(place.path("orders.asl.json")).unwrap(),
        ORDERS,
        "what is read is never written over"
    );
    place
        .run("simulate orders.asl.json --start-time yesterday")
        .fails(2, &["`2026-01-31T12:00:00Z`"]);
    place
        .run("simulate orders.asl.json --input nowhere")
        .fails(3, &["takes JSON itself"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_json_and_an_unknown_state_of_a_case_is_told() {
    let place = orders();
    place.write(
        "mocks.json",
        format!(
            "\u{FEFF}{}",
            MOCKS.replace("\"Nothing\": {}", "\"Nothing\": {\"Nope\": \"SecondTry\"}")
        ),
    );
    place.write("input.json", "\u{FEFF}{\"items\": [1], \"label\": \"x\"}");
    let base = "simulate orders.asl.json --input input.json --mocks mocks.json --case";
    place.run(&format!("{base} SecondTry")).succeeds();
    let ran = place.run(&format!("{base} Nothing"));
    ran.fails(
        2,
        &[
            "call 0 of the state `Work`",
            "warning: the case `Nothing`",
            "`Nope`",
        ],
    );
}

#[test]
fn a_seed_decides_what_is_random() {
    let place = Place::new();
    place.write(
        "random.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "End": true}}}"#,
    );
    let id = |seed: u32| {
        object(&place, &format!("simulate random.json --seed {seed}"), 0)["output"]["id"].clone()
    };
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
}

#[test]
fn virtual_time_takes_none_and_real_time_takes_its_time() {
    let place = Place::new();
    place.write(
        "wait.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "End": true}}}"#,
    );
    place.write(
        "years.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 99999999, "End": true}}}"#,
    );
    let began = Instant::now();
    place.run("simulate wait.json --real-time").succeeds();
    assert!(began.elapsed() >= Duration::from_secs(1));
    let ran = place.run("simulate years.json");
    assert!(ran.succeeds().stdout.contains("1157 d"), "{}", ran.stdout);
}

#[test]
fn a_key_that_stands_twice_in_an_input_is_told_beside_the_result() {
    let place = Place::new();
    place.write(
        "echo.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#,
    );
    place.write(
        "input.json",
        "{\"a\": 1,\n \"b\": [{\"c\": 1, \"c\": 2}],\n \"a\": 3}",
    );
    let ran = place.run("simulate echo.json --input input.json --output-format json");
    let simulated: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(simulated["output"], json!({"a": 3, "b": [{"c": 2}]}));
    for expected in [
        "input.json:2:22: warning DUPLICATE_KEY /b/0/c: the key `c` is a duplicate: only the last value in this object",
        "input.json:3:7: warning DUPLICATE_KEY /a: the key `a` is a duplicate: only the last value in this object",
    ] {
        assert!(ran.stderr.contains(expected), "{}", ran.stderr);
    }
    let written = place.run(r#"simulate echo.json --input {"a":1,"a":2}"#);
    let expected = "--input:1:12: warning DUPLICATE_KEY /a: ";
    assert!(written.stderr.starts_with(expected), "{}", written.stderr);
    let clean = place.run("simulate echo.json --input {}");
    assert_eq!(clean.succeeds().stderr, "");
}

#[test]
fn the_field_that_failed_is_marked_whatever_its_kind() {
    let place = Place::new();
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
        place.write("one.json", definition);
        let ran = place.run(r#"simulate one.json --input {"below":-1}"#);
        let expected = format!("where: state `A`, field `{field}`, one.json:");
        assert!(ran.stdout.contains(&expected), "{state}: {}", ran.stdout);
    }
}
