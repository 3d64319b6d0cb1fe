//! The answers to a task: each once, and true to the log.

use serde_json::{Value, json};

use super::{Mode, RUN, TOKEN, assert_committed, run_with_token, sandbox, scripted};
use crate::support::task_server::{Reply, TaskServer};

fn a_good_run_is_answered_once_with_its_numbers(mode: Mode) {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    let report = sandbox.json(&format!("{RUN} {}", mode.flags()));
    assert_eq!(server.actions(), ["Heartbeat", "Heartbeat", "Success"]);
    let calls = server.calls();
    assert!(calls.iter().all(|call| call.body["taskToken"] == TOKEN));
    let text = calls[2].body["output"].as_str().unwrap();
    assert!(text.len() <= 4096);
    let output: Value = serde_json::from_str(text).unwrap();
    assert_eq!(output["job"], "sales");
    for key in ["run_id", "record", "peak_memory_bytes"] {
        assert_eq!(output[key], report[key], "{key}");
    }
    assert_eq!(output["already_done"], false);
    assert_eq!(output["report"], report["url"]);
    let stored = report["url"].as_str().unwrap();
    assert!(std::path::Path::new(stored.strip_prefix("file://").unwrap()).exists());
    assert!(output["wall_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(output["quarantined_rows"], json!({"orders": 0, "shops": 0}));
    let table = &report["outputs"][0];
    assert_eq!(
        output["tables"],
        json!([{
            "name": "daily_sales",
            "live": table["live"],
            "written": {
                "rows": table["rows"],
                "bytes": table["bytes"],
                "partitions": table["partitions"],
            },
        }])
    );
    assert_eq!(table["live"]["rows"], table["rows"]);
    run_with_token(&sandbox, mode, "").succeeds();
    assert_eq!(server.actions()[3..], ["Heartbeat", "Success"]);
    let again: Value =
        serde_json::from_str(server.calls()[4].body["output"].as_str().unwrap()).unwrap();
    assert_eq!(again["already_done"], true);
    for key in ["run_id", "record", "report", "tables"] {
        assert_eq!(again[key], output[key], "{key}");
    }
}

fn each_failure_is_answered_with_its_name_and_cause(mode: Mode) {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    sandbox.write(
        "bad/raw/orders/orders.csv",
        "order_id,shop_id,ordered_at,amount,paid\n1,10,soon,3.00,yes\n",
    );
    sandbox.write(
        "bad/raw/shops/shops.csv",
        sandbox.read("sales/sample/raw/shops/shops.csv"),
    );
    let token = format!("--output out {}", mode.flags());
    for (line, code, name, text) in [
        (
            "run ./nosales --input bad",
            2,
            "Drivetrain.Usage",
            "nosales",
        ),
        (
            "run ./sales --input bad --bogus",
            2,
            "Drivetrain.Usage",
            "--bogus",
        ),
        (
            "run ./sales --input bad --output-format sarif",
            2,
            "Drivetrain.Usage",
            "only `drivetrain check`",
        ),
        (
            "run ./sales --input none",
            3,
            "Drivetrain.InputMissing",
            "hint: ",
        ),
        (
            "run ./sales --input bad --max-rejected 0",
            4,
            "Drivetrain.QualityGate",
            "the rejected rows are in ",
        ),
    ] {
        let before = server.calls().len();
        let ran = sandbox.run(&format!("{line} {token}"));
        assert_eq!(ran.code, Some(code), "{}", ran.stderr);
        let calls = server.calls().split_off(before);
        assert_eq!(calls.len(), 2, "{calls:?}");
        assert_eq!(calls[0].action, "SendTaskHeartbeat");
        assert_eq!(calls[1].action, "SendTaskFailure");
        assert_eq!(calls[1].body["error"], name);
        let cause = calls[1].body["cause"].as_str().unwrap();
        assert!(cause.contains(text), "{cause}");
    }
    assert_committed(&sandbox, false);
}

fn throttled_and_failed_requests_are_sent_again(mode: Mode) {
    let script = |_: &str, nth: usize| match nth {
        1 => Reply::Error("ThrottlingException"),
        2 => Reply::Status(503, "{}"),
        _ => Reply::Accepted,
    };
    let (actions, ran, sandbox) = scripted(mode, script, "");
    ran.succeeds();
    let expected = [
        "Heartbeat",
        "Heartbeat",
        "Heartbeat",
        "Heartbeat",
        "Success",
        "Success",
        "Success",
    ];
    assert_eq!(actions, expected);
    assert_committed(&sandbox, true);
}

fn an_answer_that_is_cut_off_is_asked_for_again(mode: Mode) {
    for cut in [Reply::Cut(200), Reply::Cut(400), Reply::Status(408, "")] {
        let script = move |_: &str, nth: usize| if nth == 1 { cut } else { Reply::Accepted };
        let (actions, ran, sandbox) = scripted(mode, script, "");
        ran.succeeds();
        assert_eq!(
            actions,
            ["Heartbeat", "Heartbeat", "Heartbeat", "Success", "Success"]
        );
        assert_committed(&sandbox, true);
    }
}

fn a_task_that_is_gone_after_the_commit_changes_nothing(mode: Mode) {
    let late = |action: &str, _: usize| match action {
        "SendTaskSuccess" => Reply::Error("TaskTimedOut"),
        _ => Reply::Accepted,
    };
    let (_, ran, sandbox) = scripted(mode, late, "");
    ran.succeeds()
        .prints_to_stderr(&["committed", "no longer waits", "TaskTimedOut"]);
    assert_committed(&sandbox, true);
    let ambiguous = |action: &str, nth: usize| match (action, nth) {
        ("SendTaskSuccess", 1) => Reply::Dropped,
        ("SendTaskSuccess", _) => Reply::Error("TaskDoesNotExist"),
        _ => Reply::Accepted,
    };
    let (actions, ran, _) = scripted(mode, ambiguous, "");
    ran.succeeds();
    assert_eq!(actions, ["Heartbeat", "Heartbeat", "Success", "Success"]);
    assert!(!ran.stderr.contains("no longer waits"), "{}", ran.stderr);
}

fn a_throttled_success_of_a_task_that_is_gone_is_not_taken_for_delivered(mode: Mode) {
    let script = |action: &str, nth: usize| match (action, nth) {
        ("SendTaskSuccess", 1) => Reply::Error("ThrottlingException"),
        ("SendTaskSuccess", _) => Reply::Error("TaskTimedOut"),
        _ => Reply::Accepted,
    };
    let (_, ran, sandbox) = scripted(mode, script, "");
    ran.succeeds()
        .prints_to_stderr(&["committed", "no longer waits"]);
    assert_committed(&sandbox, true);
}

fn a_success_that_cannot_be_reported_says_that_the_run_is_committed(mode: Mode) {
    let denied = |action: &str, _: usize| match action {
        "SendTaskSuccess" => Reply::Error("AccessDeniedException"),
        _ => Reply::Accepted,
    };
    let (actions, ran, sandbox) = scripted(mode, denied, "");
    ran.fails(1, &["committed as record 1", "`states:SendTaskSuccess`"]);
    assert_eq!(actions, ["Heartbeat", "Heartbeat", "Success"]);
    assert_committed(&sandbox, true);
    let silent = |action: &str, _: usize| match action {
        "SendTaskSuccess" => Reply::Dropped,
        _ => Reply::Accepted,
    };
    let (_, ran, sandbox) = scripted(mode, silent, "--heartbeat 1s --heartbeat-timeout 2s");
    ran.fails(75, &["committed as record 1"]);
    assert_committed(&sandbox, true);
}

in_both_modes! {
    a_good_run_is_answered_once_with_its_numbers,
    each_failure_is_answered_with_its_name_and_cause,
    throttled_and_failed_requests_are_sent_again,
    an_answer_that_is_cut_off_is_asked_for_again,
    a_task_that_is_gone_after_the_commit_changes_nothing,
    a_throttled_success_of_a_task_that_is_gone_is_not_taken_for_delivered,
    a_success_that_cannot_be_reported_says_that_the_run_is_committed,
}
