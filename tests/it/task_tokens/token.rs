//! The token: where it comes from, and that nothing shows it.

use super::{HeldRun, Mode, RUN, TOKEN, run_with_token, sandbox};
use crate::support::process_output::{ProcessOutput, child_of};
use crate::support::s3_gate::{S3Request, When};
use crate::support::task_server::TaskServer;

fn a_token_comes_from_a_flag_a_file_standard_input_or_a_variable(mode: Mode) {
    let server = TaskServer::start();
    let sandbox = sandbox(&server);
    sandbox.write("token", format!("{TOKEN}\n"));
    let flag = mode.flags().replace(&format!("--task-token {TOKEN}"), "");
    let line = format!("{RUN} {flag}");
    sandbox
        .run(&format!("{line} --task-token={TOKEN}"))
        .succeeds();
    sandbox
        .run(&format!("{line} --task-token-file token"))
        .succeeds();
    sandbox
        .run_with(&line, "DRIVETRAIN_TASK_TOKEN", TOKEN)
        .succeeds();
    for flags in ["--task-token-file -", "--task-token -", "--task-token=-"] {
        let line = format!("{line} {flags}");
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut run = sandbox.command(&words);
        run.stdin(std::fs::File::open(sandbox.path("token")).unwrap());
        ProcessOutput::from(run.output().unwrap()).succeeds();
    }
    let calls = server.calls();
    assert!(calls.iter().all(|call| call.body["taskToken"] == TOKEN));
    let successes = calls.iter().filter(|call| call.action == "SendTaskSuccess");
    assert_eq!(successes.count(), 6);
}

/// Asserts that neither the arguments nor the environment of a process contain the token.
fn assert_hidden(process: u32) {
    for file in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{process}/{file}")).unwrap();
        assert!(!bytes.is_empty());
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(TOKEN), "{text}");
    }
}

fn no_argument_and_no_variable_of_a_process_contains_the_token(mode: Mode) {
    let server = TaskServer::start();
    for is_variable in [false, true] {
        let mut run = HeldRun::new(&server, mode, "");
        if is_variable {
            run.line = run.line.replace(&format!("--task-token {TOKEN}"), "");
            run.sandbox.set("DRIVETRAIN_TASK_TOKEN", TOKEN);
        }
        let (held, process) = run.start(When::Before, S3Request::sends_part);
        assert_hidden(process.id());
        if mode == Mode::Supervised {
            assert_hidden(child_of(process.id()));
        }
        held.resume();
        ProcessOutput::wait_for(process).succeeds();
    }
    let answers = server.calls();
    assert!(answers.iter().all(|call| call.body["taskToken"] == TOKEN));
}

fn a_wrong_token_is_a_usage_error(mode: Mode) {
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
    run_with_token(&sandbox, mode, "--task-token-file token").fails(2, &["cannot be used with"]);
    assert_eq!(server.actions(), ["Heartbeat", "Failure"]);
}

fn a_process_with_a_token_writes_no_core_dump(mode: Mode) {
    let server = TaskServer::start();
    let run = HeldRun::new(&server, mode, "");
    let (held, child) = run.start(When::Before, S3Request::sends_part);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core"));
    let columns: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(columns[4..6], ["0", "0"], "{limits}");
    held.resume();
    ProcessOutput::wait_for(child).succeeds();
}

fn nothing_that_a_run_prints_or_stores_contains_the_token(mode: Mode) {
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
                "{line} {} -vv --output-format {format}",
                mode.flags()
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

in_both_modes! {
    a_token_comes_from_a_flag_a_file_standard_input_or_a_variable,
    no_argument_and_no_variable_of_a_process_contains_the_token,
    a_wrong_token_is_a_usage_error,
    a_process_with_a_token_writes_no_core_dump,
    nothing_that_a_run_prints_or_stores_contains_the_token,
}
