//! What the system shows of a process with a token, as Linux shows it.

use super::{HeldRun, Mode, TOKEN};
use crate::support::process_output::{ProcessOutput, child_of};
use crate::support::s3_gate::{S3Request, When};
use crate::support::task_server::TaskServer;

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
            let child = child_of(process.id());
            assert_hidden(child);
            let score = std::fs::read_to_string(format!("/proc/{child}/oom_score_adj"));
            assert_eq!(score.unwrap().trim(), "500");
            let name = std::fs::read_to_string(format!("/proc/{child}/comm"));
            assert_eq!(name.unwrap().trim(), "drivetrain");
        }
        held.resume();
        ProcessOutput::wait_for(process).succeeds();
    }
    let answers = server.calls();
    assert!(answers.iter().all(|call| call.body["taskToken"] == TOKEN));
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

in_both_modes! {
    no_argument_and_no_variable_of_a_process_contains_the_token,
    a_process_with_a_token_writes_no_core_dump,
}
