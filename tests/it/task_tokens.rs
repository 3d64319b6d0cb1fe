//! Runs with a task token: what the server of the task receives, what is published, and how the process ends.

use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::process_output::{ProcessOutput, signal};
use crate::support::s3_gate::{HeldRequest, S3Request, When};
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;
use crate::support::task_server::{Reply, TaskServer};

const TOKEN: &str = "a-token-that-nothing-may-show";
const RUN: &str = "run ./sales --input sales/sample --output out";
const RECORD: &str = "out/_drivetrain/sales/log/00000000000000000001.json";

/// A sandbox with the job `sales`, whose runs use a server.
fn sandbox(server: &TaskServer) -> Sandbox {
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox.run("new job sales").succeeds();
    sandbox
}

fn run_with_token(sandbox: &Sandbox, flags: &str) -> ProcessOutput {
    sandbox.run(&format!("{RUN} --task-token {TOKEN} {flags}"))
}

/// Runs against a server with this script, and returns what the server received and how the run ended.
fn scripted(
    script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    flags: &str,
) -> (Vec<String>, ProcessOutput, Sandbox) {
    let server = TaskServer::scripted(script);
    let sandbox = sandbox(&server);
    let ran = run_with_token(&sandbox, flags);
    (server.actions(), ran, sandbox)
}

#[track_caller]
fn assert_committed(sandbox: &Sandbox, is_committed: bool) {
    assert_eq!(sandbox.path(RECORD).exists(), is_committed);
}

#[test]
fn a_good_run_is_answered_once_with_its_numbers() {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    let report = sandbox.json(&format!("{RUN} --task-token {TOKEN}"));
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
            "rows": table["rows"],
            "bytes": table["bytes"],
            "partitions": table["partitions"],
        }])
    );
    run_with_token(&sandbox, "").succeeds();
    assert_eq!(server.actions()[3..], ["Heartbeat", "Success"]);
    let again: Value =
        serde_json::from_str(server.calls()[4].body["output"].as_str().unwrap()).unwrap();
    assert_eq!(again["already_done"], true);
}

#[test]
fn a_token_comes_from_a_flag_a_file_standard_input_or_a_variable() {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    sandbox.write("token", format!("{TOKEN}\n"));
    sandbox
        .run(&format!("{RUN} --task-token={TOKEN}"))
        .succeeds();
    sandbox
        .run(&format!("{RUN} --task-token-file token"))
        .succeeds();
    sandbox
        .run_with(RUN, "DRIVETRAIN_TASK_TOKEN", TOKEN)
        .succeeds();
    let words: Vec<&str> = RUN.split(' ').chain(["--task-token-file", "-"]).collect();
    let mut child = sandbox.command(&words);
    child.stdin(std::fs::File::open(sandbox.path("token")).unwrap());
    ProcessOutput::from(child.output().unwrap()).succeeds();
    let calls = server.calls();
    assert!(calls.iter().all(|call| call.body["taskToken"] == TOKEN));
    let successes = calls.iter().filter(|call| call.action == "SendTaskSuccess");
    assert_eq!(successes.count(), 4);
}

#[test]
fn a_wrong_token_is_a_usage_error() {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    sandbox.write("token", "\n");
    for (flags, texts) in [
        ("--task-token-file token", ["`token`", "empty"]),
        ("--task-token-file none", ["cannot read", "`none`"]),
    ] {
        sandbox.run(&format!("{RUN} {flags}")).fails(2, &texts);
    }
    sandbox
        .run_with(RUN, "DRIVETRAIN_TASK_TOKEN", "")
        .fails(2, &["DRIVETRAIN_TASK_TOKEN", "empty"]);
    assert!(server.calls().is_empty());
    run_with_token(&sandbox, "--task-token-file token").fails(2, &["cannot be used with"]);
    assert_eq!(server.actions(), ["Heartbeat", "Failure"]);
}

#[test]
fn a_wrong_heartbeat_is_a_usage_error_that_the_task_hears_of() {
    for (flags, texts) in [
        (
            "--heartbeat 5",
            ["`--heartbeat`", "`5` is not a valid duration"],
        ),
        ("--heartbeat 0s", ["`--heartbeat`", "1s"]),
        (
            "--heartbeat 2m --heartbeat-timeout 1m",
            ["`--heartbeat-timeout 1m`", "`--heartbeat 2m`"],
        ),
    ] {
        let (actions, ran, sandbox) = scripted(|_, _| Reply::Accepted, flags);
        ran.fails(2, &texts);
        assert_eq!(actions, ["Heartbeat", "Failure"]);
        assert_committed(&sandbox, false);
        sandbox.run(&format!("{RUN} {flags}")).fails(2, &texts);
    }
}

#[test]
fn each_failure_is_answered_with_its_name_and_cause() {
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
    let token = format!("--output out --task-token {TOKEN}");
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
            "run ./sales --input none",
            3,
            "Drivetrain.InputMissing",
            "hint: ",
        ),
        (
            "run ./sales --input bad --max-rejected 0",
            4,
            "Drivetrain.QualityGate",
            "quarantined rows are in ",
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

#[test]
fn a_first_heartbeat_that_is_refused_ends_the_run_before_it_reads_anything() {
    const S3_ERROR: &str = "<?xml version=\"1.0\"?><Error><Code>MethodNotAllowed</Code></Error>";
    for (reply, code, text) in [
        (Reply::Error("InvalidToken"), 2, "InvalidToken"),
        (Reply::Error("TaskTimedOut"), 143, "TaskTimedOut"),
        (Reply::Error("TaskDoesNotExist"), 143, "TaskDoesNotExist"),
        (
            Reply::Error("ValidationException"),
            2,
            "ValidationException",
        ),
        (
            Reply::Error("AccessDeniedException"),
            1,
            "`states:SendTaskHeartbeat`",
        ),
        (Reply::Error("ExpiredTokenException"), 1, "credentials"),
        (Reply::Status(400, S3_ERROR), 2, "AWS_ENDPOINT_URL_S3"),
        (Reply::Status(405, ""), 2, "AWS_ENDPOINT_URL_S3"),
    ] {
        let (actions, ran, sandbox) = scripted(move |_, _| reply, "");
        ran.fails(code, &[text]);
        assert_eq!(actions, ["Heartbeat"]);
        assert!(!sandbox.path("out").exists());
    }
}

#[test]
fn an_endpoint_of_another_service_is_explained() {
    let s3 = S3Server::start();
    let sandbox = Sandbox::with_variables(s3.variables());
    sandbox.run("new job sales").succeeds();
    run_with_token(&sandbox, "").fails(2, &["AWS_ENDPOINT_URL_S3", s3.endpoint.as_str()]);
}

#[test]
fn a_service_that_is_out_of_reach_is_named() {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    let line = format!("{RUN} --task-token {TOKEN}");
    sandbox
        .run_with(&line, "AWS_ENDPOINT_URL_SFN", "http://127.0.0.1:1")
        .fails(
            75,
            &[
                "`http://127.0.0.1:1`",
                "`us-east-1`",
                "AWS_ENDPOINT_URL_SFN",
            ],
        );
    assert!(!sandbox.path("out").exists());
}

#[test]
fn throttled_and_failed_requests_are_sent_again() {
    let script = |_: &str, nth: usize| match nth {
        1 => Reply::Error("ThrottlingException"),
        2 => Reply::Status(503, "{}"),
        _ => Reply::Accepted,
    };
    let (actions, ran, sandbox) = scripted(script, "");
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

#[test]
fn a_task_that_is_gone_at_the_fence_stops_the_commit_and_is_not_answered() {
    for gone in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
        let script = move |_: &str, nth: usize| match nth {
            2 => Reply::Error(gone),
            _ => Reply::Accepted,
        };
        let (actions, ran, sandbox) = scripted(script, "");
        ran.fails(143, &[gone, "nothing was published"]);
        assert_eq!(actions, ["Heartbeat", "Heartbeat"]);
        assert_committed(&sandbox, false);
    }
}

#[test]
fn a_task_that_is_gone_after_the_commit_changes_nothing() {
    let late = |action: &str, _: usize| match action {
        "SendTaskSuccess" => Reply::Error("TaskTimedOut"),
        _ => Reply::Accepted,
    };
    let (_, ran, sandbox) = scripted(late, "");
    ran.succeeds()
        .prints_to_stderr(&["committed", "no longer waits", "TaskTimedOut"]);
    assert_committed(&sandbox, true);
    let ambiguous = |action: &str, nth: usize| match (action, nth) {
        ("SendTaskSuccess", 1) => Reply::Dropped,
        ("SendTaskSuccess", _) => Reply::Error("TaskDoesNotExist"),
        _ => Reply::Accepted,
    };
    let (actions, ran, _) = scripted(ambiguous, "");
    ran.succeeds();
    assert_eq!(actions, ["Heartbeat", "Heartbeat", "Success", "Success"]);
    assert!(!ran.stderr.contains("no longer waits"), "{}", ran.stderr);
}

#[test]
fn a_throttled_success_of_a_task_that_is_gone_is_not_taken_for_delivered() {
    let script = |action: &str, nth: usize| match (action, nth) {
        ("SendTaskSuccess", 1) => Reply::Error("ThrottlingException"),
        ("SendTaskSuccess", _) => Reply::Error("TaskTimedOut"),
        _ => Reply::Accepted,
    };
    let (_, ran, sandbox) = scripted(script, "");
    ran.succeeds()
        .prints_to_stderr(&["committed", "no longer waits"]);
    assert_committed(&sandbox, true);
}

#[test]
fn a_success_that_cannot_be_reported_says_that_the_run_is_committed() {
    let denied = |action: &str, _: usize| match action {
        "SendTaskSuccess" => Reply::Error("AccessDeniedException"),
        _ => Reply::Accepted,
    };
    let (actions, ran, sandbox) = scripted(denied, "");
    ran.fails(1, &["committed as record 1", "`states:SendTaskSuccess`"]);
    assert_eq!(actions, ["Heartbeat", "Heartbeat", "Success"]);
    assert_committed(&sandbox, true);
    let silent = |action: &str, _: usize| match action {
        "SendTaskSuccess" => Reply::Dropped,
        _ => Reply::Accepted,
    };
    let (_, ran, sandbox) = scripted(silent, "--heartbeat 1s --heartbeat-timeout 2s");
    ran.fails(75, &["committed as record 1"]);
    assert_committed(&sandbox, true);
}

#[test]
fn a_stop_before_the_commit_is_answered_as_cancelled() {
    let script = |_: &str, nth: usize| match nth {
        2 => Reply::After(Duration::from_secs(20)),
        _ => Reply::Accepted,
    };
    let server = TaskServer::scripted(script);
    let sandbox = sandbox(&server);
    let child = sandbox.start(&format!("{RUN} --task-token {TOKEN}"));
    server.wait_for(2);
    signal(&child, "TERM");
    ProcessOutput::wait_for(child).fails(143, &["stopped before anything was committed"]);
    assert_eq!(server.actions(), ["Heartbeat", "Heartbeat", "Failure"]);
    assert_eq!(server.calls()[2].body["error"], "Drivetrain.Cancelled");
    assert_committed(&sandbox, false);
}

#[test]
fn a_stop_while_a_success_is_not_taken_ends_within_seconds_and_names_the_record() {
    let server = TaskServer::scripted(|action, _| match action {
        "SendTaskSuccess" => Reply::Dropped,
        _ => Reply::Accepted,
    });
    let sandbox = sandbox(&server);
    let child = sandbox.start(&format!("{RUN} --task-token {TOKEN}"));
    server.wait_for(4);
    signal(&child, "TERM");
    let stopped = Instant::now();
    ProcessOutput::wait_for(child).fails(75, &["committed as record 1", "after the stop"]);
    assert!(stopped.elapsed() < Duration::from_secs(20));
    assert_committed(&sandbox, true);
}

/// A run that a gate of its S3 server holds before it sends its first part, so that only its heartbeats go on.
struct HeldRun {
    s3: S3Server,
    sandbox: Sandbox,
    line: String,
}

impl HeldRun {
    fn new(server: &TaskServer, flags: &str) -> Self {
        let s3 = S3Server::start();
        let mut variables = server.variables();
        variables.push(("AWS_ENDPOINT_URL_S3".to_owned(), s3.endpoint.clone()));
        let sandbox = Sandbox::with_variables(variables);
        sandbox.run("new job sales").succeeds();
        let line = format!(
            "run ./sales --input sales/sample --output s3://bucket/out --task-token {TOKEN} {flags}"
        );
        Self { s3, sandbox, line }
    }

    /// Starts the run and waits until the gate holds the request.
    fn start(&self, when: When, matches: fn(&S3Request) -> bool) -> (HeldRequest, Child) {
        let held = self.s3.gate.hold(when, 1, matches);
        let child = self.sandbox.start(&self.line);
        held.reached();
        (held, child)
    }

    fn is_committed(&self) -> bool {
        self.s3.path(RECORD).exists()
    }
}

/// Accepts the first heartbeat and every answer; other heartbeats get this reply.
fn later_heartbeats(reply: Reply) -> TaskServer {
    TaskServer::scripted(move |action, nth| {
        if action == "SendTaskHeartbeat" && nth > 1 {
            reply
        } else {
            Reply::Accepted
        }
    })
}

#[test]
fn heartbeats_go_on_while_the_store_does_not_answer() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, "--heartbeat 1s");
    let (held, child) = run.start(When::Before, S3Request::sends_part);
    server.wait_for(5);
    held.resume();
    ProcessOutput::wait_for(child).succeeds();
    let beats: Vec<_> = server.calls().into_iter().take(5).collect();
    assert!(beats.iter().all(|call| call.action == "SendTaskHeartbeat"));
    for pair in beats.windows(2) {
        let gap = pair[1].at - pair[0].at;
        assert!(gap < Duration::from_secs(5), "{gap:?}");
    }
    assert_eq!(server.actions().last().unwrap(), "Success");
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_with_a_token_writes_no_core_dump() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, "");
    let (held, child) = run.start(When::Before, S3Request::sends_part);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core"));
    let columns: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(columns[4..6], ["0", "0"], "{limits}");
    held.resume();
    ProcessOutput::wait_for(child).succeeds();
}

#[test]
fn a_task_that_is_gone_while_the_run_works_stops_the_run() {
    let server = later_heartbeats(Reply::Error("TaskTimedOut"));
    let run = HeldRun::new(&server, "--heartbeat 1s");
    let (_held, child) = run.start(When::Before, S3Request::sends_part);
    ProcessOutput::wait_for(child).fails(143, &["TaskTimedOut", "nothing was published"]);
    assert_eq!(server.actions(), ["Heartbeat", "Heartbeat"]);
    assert!(!run.is_committed());
}

#[test]
fn a_run_that_is_not_heard_for_too_long_stops_and_answers_nothing() {
    let server = later_heartbeats(Reply::Dropped);
    let run = HeldRun::new(&server, "--heartbeat 1s --heartbeat-timeout 3s");
    let (_held, child) = run.start(When::Before, S3Request::sends_part);
    ProcessOutput::wait_for(child).fails(75, &["3 s", "nothing was published"]);
    assert!(server.actions().iter().all(|action| action == "Heartbeat"));
    assert!(!run.is_committed());
}

#[test]
fn a_task_that_ends_between_the_fence_and_the_put_is_found_done_by_its_retry() {
    let is_put_held = Arc::new(AtomicBool::new(false));
    let is_gone = Arc::clone(&is_put_held);
    let server = TaskServer::scripted(move |action, nth| match action {
        "SendTaskHeartbeat" if is_gone.load(Ordering::SeqCst) => Reply::Error("TaskTimedOut"),
        "SendTaskSuccess" if nth == 1 => Reply::Error("TaskTimedOut"),
        _ => Reply::Accepted,
    });
    let run = HeldRun::new(&server, "--heartbeat 1s");
    let (held, child) = run.start(When::Before, |request| request.puts("/log/"));
    is_put_held.store(true, Ordering::SeqCst);
    server.wait_for(server.calls().len() + 1);
    held.resume();
    ProcessOutput::wait_for(child)
        .succeeds()
        .prints_to_stderr(&["committed", "no longer waits"]);
    is_put_held.store(false, Ordering::SeqCst);
    assert!(run.is_committed());
    let again = run.sandbox.json(&run.line);
    assert_eq!(again["status"], "already_done");
    assert_eq!(server.actions().last().unwrap(), "Success");
}

#[test]
fn a_killed_run_answers_nothing_and_its_retry_answers_once() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, "");
    for (when, matches, status) in [
        (
            When::Before,
            S3Request::sends_part as fn(&S3Request) -> bool,
            "committed",
        ),
        (
            When::After,
            |request: &S3Request| request.puts("00000000000000000002.json"),
            "already_done",
        ),
    ] {
        run.s3.gate.clear();
        let before = server.calls().len();
        let held = run.s3.gate.hold(when, 1, matches);
        let mut child = run.sandbox.start(&format!("{} --force", run.line));
        held.reached();
        child.kill().unwrap();
        child.wait().unwrap();
        held.resume();
        let killed = server.actions().split_off(before);
        assert!(
            killed.iter().all(|action| action == "Heartbeat"),
            "{killed:?}"
        );
        let retried = run.sandbox.json(&run.line);
        assert_eq!(retried["status"], status);
        assert_eq!(server.actions().last().unwrap(), "Success");
    }
}

#[test]
fn nothing_that_a_run_prints_or_stores_contains_the_token() {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    for (line, code) in [
        (RUN, 0),
        ("run ./nosales --input sales/sample --output out", 2),
        ("run ./sales --input none --output out", 3),
        ("run ./sales --input sales/sample --output out --bogus", 2),
    ] {
        for format in ["text", "json"] {
            let ran = sandbox.run(&format!(
                "{line} --task-token {TOKEN} -vv --output-format {format}"
            ));
            assert_eq!(ran.code, Some(code), "{}", ran.stderr);
            assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN));
        }
    }
    let files = sandbox.files("out");
    assert!(!files.is_empty());
    for (name, bytes) in files {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(TOKEN), "{name}");
    }
}
