//! Runs with a task token: what the server of the task receives, what is published, and how the process ends.

use std::process::Child;

use crate::support::process_output::ProcessOutput;
use crate::support::s3_gate::{HeldRequest, S3Request, When};
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;
use crate::support::task_server::{Reply, TaskServer};

/// Makes two tests of each function: for a run with a parent process, and for one without.
macro_rules! in_both_modes {
    ($($test:ident,)*) => {
        mod supervised {
            $(#[test] fn $test() { super::$test(super::Mode::Supervised) })*
        }
        mod in_process {
            $(#[test] fn $test() { super::$test(super::Mode::InProcess) })*
        }
    };
}

mod answers;
mod child_process;
mod heartbeats;
#[cfg(target_os = "linux")]
mod hidden_token;
mod moto;
#[cfg(target_os = "linux")]
mod node;
#[cfg(target_os = "linux")]
mod numbered_kills;
mod own_engine;
mod stops;
mod token;

/// The process that answers the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// A parent, which starts the process that does the work.
    Supervised,
    /// The process that does the work.
    InProcess,
}

impl Mode {
    /// Returns the flags of a run with the token.
    fn flags(self) -> String {
        match self {
            Self::Supervised => format!("--task-token {TOKEN}"),
            Self::InProcess => format!("--task-token {TOKEN} --no-supervise"),
        }
    }
}

const TOKEN: &str = "a-token-that-nothing-may-show";
const RUN: &str = "run ./sales --input sales/sample --output out";
const RECORD: &str = "out/_drivetrain/sales/log/00000000000000000001.json";

/// A sandbox with the job `sales`, whose runs use a server.
fn sandbox(server: &TaskServer) -> Sandbox {
    let sandbox = Sandbox::with_variables(server.variables());
    sandbox.run("new job sales").succeeds();
    sandbox
}

fn run_with_token(sandbox: &Sandbox, mode: Mode, flags: &str) -> ProcessOutput {
    sandbox.run(&format!("{RUN} {} {flags}", mode.flags()))
}

/// Runs against a server with this script, and returns what the server received and how the run ended.
fn scripted(
    mode: Mode,
    script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static,
    flags: &str,
) -> (Vec<String>, ProcessOutput, Sandbox) {
    let server = TaskServer::scripted(script);
    let sandbox = sandbox(&server);
    let ran = run_with_token(&sandbox, mode, flags);
    (server.actions(), ran, sandbox)
}

#[track_caller]
fn assert_committed(sandbox: &Sandbox, is_committed: bool) {
    assert_eq!(sandbox.path(RECORD).exists(), is_committed);
}

/// A run that a gate of its S3 server holds before it sends its first part, so that only its heartbeats go on.
struct HeldRun {
    s3: S3Server,
    sandbox: Sandbox,
    line: String,
}

impl HeldRun {
    fn new(server: &TaskServer, mode: Mode, flags: &str) -> Self {
        let s3 = S3Server::start();
        let mut variables = server.variables();
        variables.push(("AWS_ENDPOINT_URL_S3".to_owned(), s3.endpoint.clone()));
        let sandbox = Sandbox::with_variables(variables);
        sandbox.run("new job sales").succeeds();
        let line = format!(
            "run ./sales --input sales/sample --output s3://bucket/out {} {flags}",
            mode.flags()
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

/// Asserts that the task got heartbeats alone.
#[track_caller]
fn assert_no_answer(server: &TaskServer) {
    let actions = server.actions();
    assert!(
        actions.iter().all(|action| action == "Heartbeat"),
        "{actions:?}"
    );
}

/// Asserts that the last request is the only answer: a failure with this name. Returns its cause.
#[track_caller]
fn assert_failure(server: &TaskServer, name: &str) -> String {
    let (last, before) = server
        .calls()
        .split_last()
        .map(|(last, before)| (last.clone(), before.to_vec()))
        .unwrap();
    assert!(
        before.iter().all(|call| call.action == "SendTaskHeartbeat"),
        "{before:?}"
    );
    assert_eq!(last.action, "SendTaskFailure");
    assert_eq!(last.body["error"], name);
    last.body["cause"].as_str().unwrap().to_owned()
}
