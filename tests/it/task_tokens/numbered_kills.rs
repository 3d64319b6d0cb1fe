//! Kills of the parent or the child before and after each request to a store and to Step Functions, and at each message
//! between the two. They are numbered, all are run, and each is judged by what the servers received.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

use super::{HeldRun, Mode};
use crate::support::process_output::{ProcessOutput, children_of, signal_process};
use crate::support::s3_gate::{S3Request, When};
use crate::support::task_server::{Reply, TaskServer};

/// The process to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Parent,
    Child,
    Both,
}

/// The point in time at which a process is killed. Numbers count from 1.
#[derive(Clone, Copy)]
enum Point {
    /// Before or after the effect of a request to the store.
    Store(When, usize),
    /// Before or after Step Functions accepts a request.
    Task(When, usize),
    /// At a message, as `kill_at_message.c` names it.
    Message(&'static str, usize),
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(when, nth) => write!(f, "{when:?} request {nth} to the store"),
            Self::Task(when, nth) => write!(f, "{when:?} request {nth} to Step Functions"),
            Self::Message(event, nth) => write!(f, "{event} of message {nth}"),
        }
    }
}

/// Kills the victim. A child that does not run yet, or no longer, is left out.
fn kill(parent: u32, victim: Victim) {
    let children = children_of(parent);
    if victim != Victim::Child {
        signal_process(parent, "KILL");
    }
    if victim != Victim::Parent {
        for child in children {
            signal_process(child, "KILL");
        }
    }
}

/// Starts a server that kills at one of its requests. `parent` is the id of the parent process, once it is known.
fn server(kill_at: Option<(When, usize, Victim)>, parent: &Arc<OnceLock<u32>>) -> TaskServer {
    let requests = AtomicUsize::new(0);
    let parent = Arc::clone(parent);
    TaskServer::scripted(move |_, _| {
        let nth = requests.fetch_add(1, Ordering::SeqCst) + 1;
        match kill_at {
            Some((when, at, victim)) if at == nth => {
                kill(*parent.wait(), victim);
                match when {
                    When::Before => Reply::Dropped,
                    When::After => Reply::Accepted,
                }
            }
            _ => Reply::Accepted,
        }
    })
}

/// Compiles the library that kills a process at a message.
fn kill_at_message(folder: &TempDir) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/kill_at_message.c");
    let library = folder.path().join("kill_at_message.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status();
    assert!(built.expect("a C compiler is present").success());
    library
}

/// What a run with a kill left.
struct Ended {
    run: HeldRun,
    server: TaskServer,
    output: ProcessOutput,
    requests: Vec<S3Request>,
}

impl Ended {
    /// Returns the answers that Step Functions accepted: `Success`, or the name of a failure.
    fn answers(&self) -> Vec<String> {
        let calls = self.server.calls().into_iter();
        calls
            .filter(|call| call.is_accepted && call.action != "SendTaskHeartbeat")
            .map(|call| call.body["error"].as_str().unwrap_or("Success").to_owned())
            .collect()
    }

    fn is_put_sent(&self) -> bool {
        self.requests.iter().any(|request| request.puts("/log/"))
    }

    /// Returns the sums of the published table.
    fn sums(&self) -> Vec<String> {
        let sql = "select count(*), sum(orders), sum(revenue) from daily_sales";
        self.run.sandbox.query(sql, "s3://bucket/out")
    }
}

/// Starts a run, kills at the point, and waits until both processes have ended.
fn run(point: Option<(Point, Victim)>, library: &Path) -> Ended {
    let kill_at = match point {
        Some((Point::Task(when, nth), victim)) => Some((when, nth, victim)),
        _ => None,
    };
    let id = Arc::new(OnceLock::new());
    let server = server(kill_at, &id);
    let run = HeldRun::new(&server, Mode::Supervised, "");
    let held = match point {
        Some((Point::Store(when, nth), _)) => Some(run.s3.gate.hold(when, nth, |_| true)),
        _ => None,
    };
    let words: Vec<&str> = run.line.split_whitespace().collect();
    let mut command = run.sandbox.command(&words);
    if let Some((Point::Message(event, nth), victim)) = point {
        let process = match victim {
            Victim::Parent => "parent",
            Victim::Child | Victim::Both => "child",
        };
        command
            .env("LD_PRELOAD", library)
            .env("KILL_AT", format!("{process}:{event}:{nth}"));
    }
    let parent = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    id.set(parent.id()).unwrap();
    if let (Some(held), Some((_, victim))) = (held, point) {
        held.reached();
        kill(parent.id(), victim);
        held.resume();
    }
    // Both processes have this output, so it ends with the second of them.
    let output = ProcessOutput::wait_for(parent);
    let requests = run.s3.gate.take_requests();
    Ended {
        run,
        server,
        output,
        requests,
    }
}

/// Asserts that the task got one true answer or none, and that the same command then publishes the same table.
fn judge(ended: &Ended, victim: Victim, sums: &[String]) {
    let answers = ended.answers();
    let code = ended.output.code;
    match answers.as_slice() {
        [] => assert_ne!(
            victim,
            Victim::Child,
            "the parent lives and does not answer"
        ),
        [answer] if answer == "Success" => {
            assert!(ended.run.is_committed(), "a success without a record");
            assert!(code.is_none_or(|code| code == 0), "{code:?}");
        }
        [answer] => {
            // It is not known who sent signal 9, and after the put only the log knows whether the run is committed.
            assert_eq!(answer, "Drivetrain.TryAgain");
            assert!(code.is_none_or(|code| code == 75), "{code:?}");
        }
        _ => panic!("two answers"),
    }
    assert_eq!(code.is_none(), victim != Victim::Child, "{code:?}");
    let before = answers.len();
    let again = ended.run.sandbox.json(&ended.run.line);
    let status = again["status"].as_str().unwrap();
    assert!(["committed", "already_done"].contains(&status), "{status}");
    assert_eq!(again["record"], 1);
    assert_eq!(ended.answers()[before..], ["Success"]);
    assert_eq!(ended.sums(), sums);
}

#[test]
#[ignore = "runs for minutes and needs a C compiler: cargo test --test it -- --ignored numbered_kills"]
fn each_numbered_kill_leaves_one_true_answer_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let library = kill_at_message(&folder);
    let undisturbed = run(None, &library);
    undisturbed.output.succeeds();
    assert_eq!(undisturbed.answers(), ["Success"]);
    assert!(undisturbed.is_put_sent());
    let (sums, store) = (undisturbed.sums(), undisturbed.requests.len());
    let task = undisturbed.server.calls().len();
    let mut points = Vec::new();
    for victim in [Victim::Parent, Victim::Child, Victim::Both] {
        for when in [When::Before, When::After] {
            points.extend((1..=store).map(|nth| (Point::Store(when, nth), victim)));
            points.extend((1..=task).map(|nth| (Point::Task(when, nth), victim)));
        }
    }
    // The child asks three questions, and gets three replies.
    for event in ["before-send", "after-send", "receive"] {
        for victim in [Victim::Parent, Victim::Child] {
            points.extend((1..=3).map(|nth| (Point::Message(event, nth), victim)));
        }
    }
    let mut counts = BTreeMap::new();
    for (number, (point, victim)) in points.iter().enumerate() {
        println!(
            "kill {} of {}: {victim:?} {point}",
            number + 1,
            points.len()
        );
        let ended = run(Some((*point, *victim)), &library);
        *counts.entry(ended.answers()).or_insert(0) += 1;
        judge(&ended, *victim, &sums);
    }
    println!("{} kills, by answers: {counts:?}", points.len());
}
