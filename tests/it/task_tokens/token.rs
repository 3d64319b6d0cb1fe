//! The token: where it comes from, and that nothing shows it.

use super::{Mode, RUN, TOKEN, run_with_token, sandbox};
use crate::support::process_output::ProcessOutput;
use crate::support::task_server::{Reply, TaskServer};

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

fn a_service_that_quotes_the_token_is_not_quoted(mode: Mode) {
    const ECHO: &str = "{\"__type\":\"ValidationException\",\"message\":\"Value 'a-token-that-nothing-may-show' at 'taskToken'\"}";
    let server = TaskServer::scripted(|_, _| Reply::Status(400, ECHO));
    let sandbox = sandbox(&server);
    let ran = run_with_token(&sandbox, mode, "-vv");
    ran.fails(2, &["Value '(the token)' at 'taskToken'"]);
    assert!(!ran.stderr.contains(TOKEN), "{}", ran.stderr);
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
    a_wrong_token_is_a_usage_error,
    a_service_that_quotes_the_token_is_not_quoted,
    nothing_that_a_run_prints_or_stores_contains_the_token,
}
