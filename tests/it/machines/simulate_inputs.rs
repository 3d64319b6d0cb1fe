//! `drivetrain simulate`: its mocks, inputs and flags, and the errors about them.

use serde_json::json;

use crate::support::sample_machines::{MOCKS, ORDERS, orders};
use crate::support::sandbox::Sandbox;

#[test]
fn mocks_are_chosen_by_machine_and_case() {
    let sandbox = orders();
    let base = "simulate orders.asl.json --input input.json --mocks mocks.json";
    sandbox.json_with_code(&format!("{base} --name renamed"), 0);
    sandbox
        .run(base)
        .fails(2, &["mocks.json", "`Nothing`, `SecondTry`"]);
    sandbox
        .run(&format!("{base} --case Third"))
        .fails(2, &["`Third`", "`Nothing`, `SecondTry`"]);
    sandbox
        .run(&format!("{base} --case Only --name other"))
        .fails(2, &["`other`", "`orders`, `renamed`"]);
    sandbox
        .run("simulate orders.asl.json --mocks nowhere.json --case x")
        .fails(3, &["nowhere.json"]);
    let alone = sandbox.run("simulate orders.asl.json --case SecondTry");
    assert_eq!(alone.code, Some(2), "{}", alone.stderr);
    sandbox.write(
        "wrong.json",
        "{\"StateMachines\": {\"orders\": {\"TestCases\": {\"c\": {\"Work\": \"R\", \"X\": 7}}}},\n \"MockedResponses\": {\"R\": {\"-1\": {}}}}",
    );
    sandbox
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
fn a_call_without_a_mock_ends_the_simulation_whatever_would_catch_it() {
    let sandbox = orders();
    let base = "simulate orders.asl.json --mocks mocks.json";
    sandbox.write("more.json", r#"{"items": [1, 2, 3], "label": "x"}"#);
    let ran = sandbox.run(&format!("{base} --case SecondTry --input more.json"));
    ran.fails(
        2,
        &["case `SecondTry`", "call 3", "state `Work`", "mocks.json"],
    );
    ran.prints(&["iteration 2"]);
    let ran = sandbox.run(&format!("{base} --case Nothing --input more.json"));
    ran.fails(2, &["call 0", "state `Work`"]);
    let ran = sandbox.run("simulate orders.asl.json --input more.json --output-format json");
    ran.fails(2, &["call 0", "state `Work`", "no mocks were given"]);
    assert_eq!(ran.json(2)["error"]["exit_code"], 2);
}

#[test]
fn invalid_flags_are_usage_errors() {
    let sandbox = orders();
    let base = "simulate orders.asl.json";
    sandbox.write("broken.json", "{\n \"a\": }");
    sandbox
        .run(&format!("{base} --input broken.json"))
        .fails(2, &["broken.json", "line 2 column 7"]);
    sandbox
        .run(&format!("{base} --input nowhere.json"))
        .fails(3, &["nowhere.json"]);
    sandbox
        .run_words(&["simulate", "orders.asl.json", "--input", "{\"a\""])
        .fails(2, &["--input"]);
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(300_000));
    sandbox.write("large.json", large);
    sandbox
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
        let ran = sandbox.run(&format!("{base} {flags}"));
        assert_eq!(ran.code, Some(2), "{flags}: {}", ran.stderr);
        assert!(ran.stderr.contains("error: "), "{flags}: {}", ran.stderr);
    }
    sandbox
        .run(&format!("{base} --s3 bucket=nowhere"))
        .fails(3, &["`nowhere`", "`bucket`"]);
    sandbox
        .run(&format!("{base} --s3 b=. --s3 b=."))
        .fails(2, &["names the bucket `b` more than once"]);
    sandbox
        .run(&format!("{base} --history no/such/folder.jsonl"))
        .fails(1, &["no/such/folder.jsonl"]);
    assert_eq!(
        sandbox.read("orders.asl.json"),
        ORDERS,
        "what is read is never written over"
    );
    sandbox
        .run("simulate orders.asl.json --start-time yesterday")
        .fails(2, &["`2026-01-31T12:00:00Z`"]);
    sandbox
        .run("simulate orders.asl.json --input nowhere")
        .fails(3, &["takes JSON, a file name"]);
}

#[test]
fn a_byte_order_mark_is_skipped_and_an_unknown_state_of_a_case_is_reported() {
    let sandbox = orders();
    sandbox.write(
        "mocks.json",
        format!(
            "\u{FEFF}{}",
            MOCKS.replace("\"Nothing\": {}", "\"Nothing\": {\"Nope\": \"SecondTry\"}")
        ),
    );
    sandbox.write("input.json", "\u{FEFF}{\"items\": [1], \"label\": \"x\"}");
    let base = "simulate orders.asl.json --input input.json --mocks mocks.json --case";
    sandbox.run(&format!("{base} SecondTry")).succeeds();
    let ran = sandbox.run(&format!("{base} Nothing"));
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
fn a_duplicate_json_key_of_an_input_is_a_warning_beside_the_result() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "echo.json",
        r#"{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}"#,
    );
    sandbox.write(
        "input.json",
        "{\"a\": 1,\n \"b\": [{\"c\": 1, \"c\": 2}],\n \"a\": 3}",
    );
    let ran = sandbox.run("simulate echo.json --input input.json --output-format json");
    assert_eq!(ran.json(0)["output"], json!({"a": 3, "b": [{"c": 2}]}));
    ran.prints_to_stderr(&[
        "input.json:2:22: warning DUPLICATE_KEY /b/0/c: the key `c` occurs more than once in this object, and only its last value",
        "input.json:3:7: warning DUPLICATE_KEY /a: the key `a` occurs more than once in this object, and only its last value",
    ]);
    let written = sandbox.run(r#"simulate echo.json --input {"a":1,"a":2}"#);
    let expected = "--input:1:12: warning DUPLICATE_KEY /a: ";
    assert!(written.stderr.starts_with(expected), "{}", written.stderr);
    let clean = sandbox.run("simulate echo.json --input {}");
    assert_eq!(clean.succeeds().stderr, "");
}
