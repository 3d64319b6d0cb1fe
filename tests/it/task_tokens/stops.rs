//! Requests to stop: before the commit, and while an answer is not taken.

use std::time::{Duration, Instant};

use super::{Mode, RUN, assert_committed, sandbox};
use crate::support::process_output::{ProcessOutput, is_running, signal};
use crate::support::task_server::{Reply, TaskServer};

fn a_stop_before_the_commit_is_answered_as_cancelled(mode: Mode) {
    for name in ["TERM", "INT", "HUP", "QUIT"] {
        stop_before_the_commit(mode, name);
    }
}

/// Returns `true` if this process ignores SIGHUP, as the processes that it starts then do.
fn is_hang_up_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 == 1)
}

fn stop_before_the_commit(mode: Mode, name: &str) {
    let script = |_: &str, nth: usize| match nth {
        2 => Reply::After(Duration::from_secs(20)),
        _ => Reply::Accepted,
    };
    let server = TaskServer::scripted(script);
    let sandbox = sandbox(&server);
    let child = sandbox.start(&format!("{RUN} {}", mode.flags()));
    server.wait_for(2);
    signal(&child, name);
    if name == "HUP" && is_hang_up_ignored() {
        // As after `nohup`, which these tests were started with.
        std::thread::sleep(Duration::from_millis(500));
        assert!(is_running(child.id()));
        signal(&child, "TERM");
    }
    ProcessOutput::wait_for(child).fails(143, &["stopped before anything was committed"]);
    assert_eq!(server.actions(), ["Heartbeat", "Heartbeat", "Failure"]);
    assert_eq!(server.calls()[2].body["error"], "Drivetrain.Cancelled");
    assert_committed(&sandbox, false);
}

fn a_stop_while_a_success_is_not_taken_ends_within_seconds_and_names_the_record(mode: Mode) {
    let server = TaskServer::scripted(|action, _| match action {
        "SendTaskSuccess" => Reply::Dropped,
        _ => Reply::Accepted,
    });
    let sandbox = sandbox(&server);
    let child = sandbox.start(&format!("{RUN} {}", mode.flags()));
    server.wait_for(4);
    signal(&child, "TERM");
    let stopped = Instant::now();
    ProcessOutput::wait_for(child).fails(75, &["committed as record 1", "asked to stop"]);
    assert!(stopped.elapsed() < Duration::from_secs(20));
    assert_committed(&sandbox, true);
}

fn a_stop_during_the_first_heartbeat_is_answered(mode: Mode) {
    let server = TaskServer::scripted(|action, _| match action {
        "SendTaskHeartbeat" => Reply::After(Duration::from_secs(20)),
        _ => Reply::Accepted,
    });
    let sandbox = sandbox(&server);
    let process = sandbox.start(&format!("{RUN} {}", mode.flags()));
    server.wait_for(1);
    signal(&process, "TERM");
    ProcessOutput::wait_for(process).fails(143, &["stopped before anything was committed"]);
    assert_eq!(server.actions(), ["Heartbeat", "Failure"]);
    assert!(!sandbox.path("out").exists());
}

in_both_modes! {
    a_stop_during_the_first_heartbeat_is_answered,
    a_stop_before_the_commit_is_answered_as_cancelled,
    a_stop_while_a_success_is_not_taken_ends_within_seconds_and_names_the_record,
}
