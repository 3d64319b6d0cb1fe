//! The two processes of a supervised run: each may be killed, and the task is answered as long as one can.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{HeldRun, Mode, assert_failure, assert_no_answer, later_heartbeats};
use crate::support::process_output::{
    ProcessOutput, child_of, in_shell, is_running, signal, signal_process,
};
use crate::support::s3_gate::{HeldRequest, S3Request, When};
use crate::support::task_server::{Reply, TaskServer};

const FIRST_RECORD: &str = "/log/00000000000000000001.json";

#[test]
fn a_child_that_is_killed_before_the_put_is_answered_by_its_cause() {
    for (name, code, error, text) in [
        ("KILL", 75, "Drivetrain.TryAgain", "not known who sent it"),
        ("ILL", 1, "Drivetrain.Failed", "SIGILL"),
        ("ABRT", 1, "Drivetrain.Failed", "SIGABRT"),
        ("USR1", 1, "Drivetrain.Failed", "SIGUSR1"),
    ] {
        let server = TaskServer::start();
        let run = HeldRun::new(&server, Mode::Supervised, "");
        let (held, parent) = run.start(When::Before, S3Request::sends_part);
        signal_process(child_of(parent.id()), name);
        ProcessOutput::wait_for(parent).fails(code, &[text, "nothing was published"]);
        assert!(assert_failure(&server, error).contains(text));
        held.resume();
        assert!(!run.is_committed());
    }
}

#[test]
fn a_child_that_gets_sigterm_reports_its_end() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, Mode::Supervised, "");
    let (_held, parent) = run.start(When::Before, S3Request::sends_part);
    signal_process(child_of(parent.id()), "TERM");
    ProcessOutput::wait_for(parent).fails(143, &["stopped before anything was committed"]);
    assert_failure(&server, "Drivetrain.Cancelled");
    assert!(!run.is_committed());
}

#[test]
fn a_child_that_is_killed_after_its_put_is_answered_with_try_again_and_found_done() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, Mode::Supervised, "");
    let (held, parent) = run.start(When::After, |request| request.puts(FIRST_RECORD));
    signal_process(child_of(parent.id()), "KILL");
    ProcessOutput::wait_for(parent).fails(75, &["signal 9", "may be committed"]);
    assert!(assert_failure(&server, "Drivetrain.TryAgain").contains("same command"));
    held.resume();
    let again = run.sandbox.json(&run.line);
    assert_eq!(again["status"], "already_done");
}

#[test]
fn a_parent_that_is_killed_takes_the_run_with_it() {
    for (when, record, is_committed) in [
        (When::Before, None, false),
        (When::After, Some(FIRST_RECORD), true),
    ] {
        let server = TaskServer::start();
        let run = HeldRun::new(&server, Mode::Supervised, "");
        let held = run.s3.gate.hold(when, 1, move |request| match record {
            None => request.sends_part(),
            Some(record) => request.puts(record),
        });
        let mut parent = run.sandbox.start(&run.line);
        held.reached();
        let child = child_of(parent.id());
        parent.kill().unwrap();
        parent.wait().unwrap();
        held.resume();
        let killed = Instant::now();
        while is_running(child) {
            assert!(
                killed.elapsed() < Duration::from_secs(20),
                "the child goes on"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_no_answer(&server);
        assert_eq!(run.is_committed(), is_committed);
        run.sandbox.run(&run.line).succeeds();
        assert_eq!(server.actions().last().unwrap(), "Success");
    }
}

/// Starts the run below a shell, and returns the shell and the process of the run.
fn start_below_a_shell(run: &HeldRun) -> (Child, u32) {
    let words: Vec<&str> = run.line.split_whitespace().collect();
    // The second command keeps the shell from replacing itself by the first.
    let mut shell = in_shell("\"$@\"; exit $?", &run.sandbox.command(&words));
    let held = run.s3.gate.hold(When::Before, 1, S3Request::sends_part);
    let shell = shell.spawn().unwrap();
    held.reached();
    let parent = child_of(shell.id());
    (shell, parent)
}

#[test]
fn a_signal_to_the_process_group_reaches_the_child_once() {
    use std::os::unix::process::CommandExt;

    let server = TaskServer::start();
    let run = HeldRun::new(&server, Mode::Supervised, "");
    let held = run.s3.gate.hold(When::Before, 1, S3Request::sends_part);
    let words: Vec<&str> = run.line.split_whitespace().collect();
    let mut command = run.sandbox.command(&words);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let parent = command.spawn().unwrap();
    held.reached();
    let group = format!("-{}", parent.id());
    let sent = Command::new("kill").args(["-INT", "--", &group]).status();
    assert!(sent.unwrap().success());
    let ended = ProcessOutput::wait_for(parent);
    ended.fails(143, &["stopped before anything was committed"]);
    assert_eq!(
        ended.stderr.matches("stopping; ").count(),
        1,
        "{}",
        ended.stderr
    );
    assert_failure(&server, "Drivetrain.Cancelled");
}

#[test]
fn a_second_signal_ends_the_child_at_once_and_is_answered() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, Mode::Supervised, "");
    let (_held, parent) = run.start(When::Before, S3Request::sends_part);
    signal_process(child_of(parent.id()), "STOP");
    signal(&parent, "INT");
    std::thread::sleep(Duration::from_millis(300));
    signal(&parent, "TERM");
    let stopped = Instant::now();
    ProcessOutput::wait_for(parent).ends_with(143);
    assert!(stopped.elapsed() < Duration::from_secs(10));
    assert_failure(&server, "Drivetrain.Cancelled");
    assert!(!run.is_committed());
}

#[test]
fn a_signal_to_both_processes_lets_the_child_clean_up() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, Mode::Supervised, "");
    for _ in 0..3 {
        let (held, parent) = run.start(When::Before, S3Request::sends_part);
        // As systemd stops a service: each of its processes gets the signal.
        signal_process(child_of(parent.id()), "TERM");
        signal(&parent, "TERM");
        ProcessOutput::wait_for(parent).fails(143, &["stopped before anything was committed"]);
        held.resume();
        assert_eq!(
            server.calls().last().unwrap().body["error"],
            "Drivetrain.Cancelled"
        );
        assert_eq!(run.s3.open_uploads(), Vec::<String>::new());
        let deletes = run
            .s3
            .gate
            .take_requests()
            .into_iter()
            .filter(S3Request::deletes);
        assert!(deletes.count() > 0, "the attempt deletes its notes");
        run.s3.gate.clear();
    }
}

#[test]
fn a_run_whose_output_nobody_reads_is_answered_and_ends_after_a_stop() {
    let server = later_heartbeats(Reply::Status(503, "{}"));
    let run = HeldRun::new(
        &server,
        Mode::Supervised,
        "--heartbeat 1s --heartbeat-timeout 4s",
    );
    let _held = run.s3.gate.hold(When::Before, 1, S3Request::sends_part);
    let words: Vec<&str> = run.line.split_whitespace().collect();
    // The pipe is full before the run starts, and stays so.
    let (reader, mut writer) = std::io::pipe().unwrap();
    let filled = writer.try_clone().unwrap();
    std::thread::spawn(move || writer.write_all(&vec![b'x'; 1 << 20]));
    std::thread::sleep(Duration::from_millis(200));
    let mut command = run.sandbox.command(&words);
    let mut parent = command
        .stdout(Stdio::null())
        .stderr(filled)
        .spawn()
        .unwrap();
    let began = Instant::now();
    let code = parent.wait().unwrap().code();
    assert_eq!(code, Some(75));
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "{:?}",
        began.elapsed()
    );
    assert_no_answer(&server);
    drop(reader);
}

/// Starts a run and holds the put of its record, while another run of a part of its days takes the number.
fn outrun(run: &HeldRun) -> (HeldRequest, Child) {
    let held = run
        .s3
        .gate
        .hold(When::Before, 1, |request| request.puts("/log/"));
    let parent = run.sandbox.start(&run.line);
    held.reached();
    let other = run.line.replace(&Mode::Supervised.flags(), "");
    let window = "--param from=2024-03-01 --param to=2024-03-01";
    run.sandbox.run(&format!("{other} {window}")).succeeds();
    (held, parent)
}

#[test]
fn a_conflict_that_the_log_answers_is_reported_as_such() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, Mode::Supervised, "");
    let (held, parent) = outrun(&run);
    held.resume();
    ProcessOutput::wait_for(parent).fails(5, &["conflict"]);
    assert_failure(&server, "Drivetrain.Conflict");
}

#[test]
fn a_stop_while_another_run_takes_the_record_is_answered_as_cancelled() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, Mode::Supervised, "");
    let (held, parent) = outrun(&run);
    signal(&parent, "TERM");
    std::thread::sleep(Duration::from_millis(200));
    held.resume();
    ProcessOutput::wait_for(parent).fails(143, &["stopped before anything was committed"]);
    assert_failure(&server, "Drivetrain.Cancelled");
}

#[test]
fn a_child_that_does_not_stop_is_killed() {
    let server = later_heartbeats(Reply::Accepted);
    let run = HeldRun::new(&server, Mode::Supervised, "");
    let (_held, parent) = run.start(When::Before, S3Request::sends_part);
    signal_process(child_of(parent.id()), "STOP");
    signal(&parent, "TERM");
    let stopped = Instant::now();
    ProcessOutput::wait_for(parent).fails(143, &["stopped before anything was committed"]);
    let took = stopped.elapsed();
    assert!(
        took > Duration::from_secs(14) && took < Duration::from_secs(30),
        "{took:?}"
    );
    assert_failure(&server, "Drivetrain.Cancelled");
    assert!(!run.is_committed());
}

#[test]
fn the_flag_of_a_child_is_refused_without_a_parent() {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, Mode::Supervised, "");
    let line = "run ./sales --input sales/sample --output out --supervised";
    run.sandbox.run(line).fails(2, &["`--supervised`", "leave"]);
    assert!(server.calls().is_empty());
}

fn a_run_stops_once_the_process_that_started_it_has_ended(mode: Mode) {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, mode, "");
    let (mut shell, process) = start_below_a_shell(&run);
    shell.kill().unwrap();
    let output = shell.wait_with_output().unwrap();
    assert!(!is_running(process));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let reason = "the process that started this run has ended";
    assert!(stderr.contains(reason), "{stderr}");
    assert_failure(&server, "Drivetrain.Cancelled");
    assert!(!run.is_committed());
}

fn a_run_that_stalls_is_stopped_with_a_list_of_its_stages(mode: Mode) {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, mode, "--heartbeat 1s --stall-timeout 3s");
    let (_held, process) = run.start(When::Before, S3Request::sends_part);
    let ended = ProcessOutput::wait_for(process);
    ended.fails(75, &["stalled", "for 3 s", "read: ", " rows, ", "requests"]);
    let cause = assert_failure(&server, "Drivetrain.TryAgain");
    assert!(cause.contains("compute: "), "{cause}");
    assert!(!run.is_committed());
}

fn a_run_without_any_process_left_is_not_answered_and_its_retry_is(mode: Mode) {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, mode, "");
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
        let mut process = run.sandbox.start(&format!("{} --force", run.line));
        held.reached();
        let child = (mode == Mode::Supervised).then(|| child_of(process.id()));
        process.kill().unwrap();
        if let Some(child) = child {
            signal_process(child, "KILL");
        }
        process.wait().unwrap();
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

in_both_modes! {
    a_run_stops_once_the_process_that_started_it_has_ended,
    a_run_that_stalls_is_stopped_with_a_list_of_its_stages,
    a_run_without_any_process_left_is_not_answered_and_its_retry_is,
}
