//! Heartbeats: the first one, the later ones, and that of the fence.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{
    HeldRun, Mode, RECORD, RUN, assert_committed, assert_no_answer, later_heartbeats,
    run_with_token, sandbox, scripted,
};
use crate::support::process_output::ProcessOutput;
use crate::support::s3_gate::{S3Request, When};
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;
use crate::support::task_server::{Reply, TaskServer};

fn a_wrong_heartbeat_is_a_usage_error_that_the_task_hears_of(mode: Mode) {
    for (flags, texts) in [
        (
            "--heartbeat 5",
            ["`--heartbeat`", "`5` is not a valid duration"],
        ),
        ("--heartbeat 0s", ["`--heartbeat`", "1s"]),
        (
            "--heartbeat-timeout 18446744073709551615s",
            ["`--heartbeat-timeout", "99999999 s"],
        ),
        (
            "--heartbeat 5s --heartbeat 6s",
            ["--heartbeat <DURATION>", "cannot be used multiple times"],
        ),
        (
            "--heartbeat 2m --heartbeat-timeout 1m",
            ["`--heartbeat-timeout 1m`", "`--heartbeat 2m`"],
        ),
    ] {
        let (actions, ran, sandbox) = scripted(mode, |_, _| Reply::Accepted, flags);
        ran.fails(2, &texts);
        assert_eq!(actions, ["Heartbeat", "Failure"]);
        assert_committed(&sandbox, false);
        sandbox.run(&format!("{RUN} {flags}")).fails(2, &texts);
    }
}

fn a_first_heartbeat_that_is_refused_ends_the_run_before_it_reads_anything(mode: Mode) {
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
        (Reply::Status(200, S3_ERROR), 2, "AWS_ENDPOINT_URL_S3"),
    ] {
        let (actions, ran, sandbox) = scripted(mode, move |_, _| reply, "");
        ran.fails(code, &[text]);
        assert_eq!(actions, ["Heartbeat"]);
        assert!(!sandbox.path("out").exists());
    }
}

fn an_endpoint_of_another_service_is_explained(mode: Mode) {
    let s3 = S3Server::start();
    let sandbox = Sandbox::with_variables(s3.variables());
    sandbox.run("new job sales").succeeds();
    run_with_token(&sandbox, mode, "").fails(2, &["AWS_ENDPOINT_URL_S3", s3.endpoint.as_str()]);
}

fn a_service_that_is_out_of_reach_is_named(mode: Mode) {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    let line = format!("{RUN} {}", mode.flags());
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

fn a_task_that_is_gone_at_the_fence_stops_the_commit_and_is_not_answered(mode: Mode) {
    for gone in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
        let script = move |_: &str, nth: usize| match nth {
            2 => Reply::Error(gone),
            _ => Reply::Accepted,
        };
        let (actions, ran, sandbox) = scripted(mode, script, "");
        ran.fails(143, &[gone, "nothing was published"]);
        assert_eq!(actions, ["Heartbeat", "Heartbeat"]);
        assert_committed(&sandbox, false);
    }
}

fn heartbeats_go_on_while_the_store_does_not_answer(mode: Mode) {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, mode, "--heartbeat 1s");
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

fn a_task_that_is_gone_while_the_run_works_stops_the_run(mode: Mode) {
    let server = later_heartbeats(Reply::Error("TaskTimedOut"));
    let run = HeldRun::new(&server, mode, "--heartbeat 1s");
    let (_held, child) = run.start(When::Before, S3Request::sends_part);
    ProcessOutput::wait_for(child).fails(143, &["TaskTimedOut", "nothing was published"]);
    assert_eq!(server.actions(), ["Heartbeat", "Heartbeat"]);
    assert!(!run.is_committed());
}

fn a_run_that_is_not_heard_for_too_long_stops_and_answers_nothing(mode: Mode) {
    for reply in [
        Reply::Dropped,
        Reply::Status(503, "{}"),
        Reply::Error("AccessDeniedException"),
        Reply::After(Duration::from_secs(9)),
    ] {
        let server = later_heartbeats(reply);
        let run = HeldRun::new(&server, mode, "--heartbeat 1s --heartbeat-timeout 3s");
        let (_held, process) = run.start(When::Before, S3Request::sends_part);
        let began = Instant::now();
        ProcessOutput::wait_for(process).fails(75, &["3 s", "nothing was published"]);
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{:?}",
            began.elapsed()
        );
        assert_no_answer(&server);
        assert!(!run.is_committed());
    }
}

fn a_run_that_starts_over_asks_again_before_it_commits(mode: Mode) {
    let uploads_lost = |server: &TaskServer| {
        let run = HeldRun::new(server, mode, "");
        let (held, process) = run.start(When::Before, |request| request.puts("/log/"));
        // The record of the first attempt is then void.
        run.s3.forget_uploads();
        held.resume();
        (run, ProcessOutput::wait_for(process))
    };
    let server = TaskServer::start();
    let (run, ended) = uploads_lost(&server);
    ended.succeeds();
    assert_eq!(
        server.actions(),
        ["Heartbeat", "Heartbeat", "Heartbeat", "Success"]
    );
    assert!(run.s3.path(&RECORD.replace("1.json", "3.json")).exists());
    let gone = TaskServer::scripted(|_, nth| match nth {
        3 => Reply::Error("TaskTimedOut"),
        _ => Reply::Accepted,
    });
    let (run, ended) = uploads_lost(&gone);
    ended.fails(143, &["TaskTimedOut", "nothing was published"]);
    assert_eq!(gone.actions(), ["Heartbeat", "Heartbeat", "Heartbeat"]);
    assert!(!run.s3.path(&RECORD.replace("1.json", "3.json")).exists());
}

#[test]
#[ignore = "waits for two minutes: cargo test --test it -- --ignored fence_that_is_not_answered"]
fn a_fence_that_is_not_answered_for_two_minutes_stops_the_commit() {
    let runs = [Mode::Supervised, Mode::InProcess].map(|mode| {
        let server = later_heartbeats(Reply::Dropped);
        let sandbox = sandbox(&server);
        let line = format!(
            "{RUN} {} --heartbeat 1h --heartbeat-timeout 1h",
            mode.flags()
        );
        (sandbox.start(&line), server, sandbox)
    });
    let began = Instant::now();
    for (process, server, sandbox) in runs {
        ProcessOutput::wait_for(process).fails(75, &["two minutes", "nothing was published"]);
        let took = began.elapsed();
        assert!(
            took > Duration::from_secs(100) && took < Duration::from_secs(150),
            "{took:?}"
        );
        assert_eq!(server.actions().last().unwrap(), "Failure");
        assert_committed(&sandbox, false);
    }
}

fn a_task_that_ends_between_the_fence_and_the_put_is_found_done_by_its_retry(mode: Mode) {
    let is_put_held = Arc::new(AtomicBool::new(false));
    let is_gone = Arc::clone(&is_put_held);
    let server = TaskServer::scripted(move |action, nth| match action {
        "SendTaskHeartbeat" if is_gone.load(Ordering::SeqCst) => Reply::Error("TaskTimedOut"),
        "SendTaskSuccess" if nth == 1 => Reply::Error("TaskTimedOut"),
        _ => Reply::Accepted,
    });
    let run = HeldRun::new(&server, mode, "--heartbeat 1s");
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

in_both_modes! {
    a_wrong_heartbeat_is_a_usage_error_that_the_task_hears_of,
    a_first_heartbeat_that_is_refused_ends_the_run_before_it_reads_anything,
    an_endpoint_of_another_service_is_explained,
    a_service_that_is_out_of_reach_is_named,
    a_task_that_is_gone_at_the_fence_stops_the_commit_and_is_not_answered,
    heartbeats_go_on_while_the_store_does_not_answer,
    a_task_that_is_gone_while_the_run_works_stops_the_run,
    a_run_that_is_not_heard_for_too_long_stops_and_answers_nothing,
    a_task_that_ends_between_the_fence_and_the_put_is_found_done_by_its_retry,
    a_run_that_starts_over_asks_again_before_it_commits,
}
