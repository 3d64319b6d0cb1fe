//! Ctrl-C while a person watches: in every stage of the first command it is heard in time, and the next one goes on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::support::sandbox::{ProcessOutput, Sandbox};

/// A stop is heard within two seconds; the rest is a busy machine's.
const STOP_TIME: Duration = Duration::from_secs(4);

/// Starts the first command and waits for a line of its progress.
fn until(sandbox: &Sandbox, begins: &str) -> Child {
    let mut child = sandbox.start("local --output-format json");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut heard = Vec::new();
    loop {
        let Some(Ok(line)) = lines.next() else {
            panic!("`{begins}` is not among {heard:?}");
        };
        if line.starts_with(begins) {
            break;
        }
        heard.push(line);
    }
    // Somebody goes on reading, or the process would end at its next line.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

fn interrupt(child: Child) -> Option<i32> {
    let pid = child.id().to_string();
    let asked = Instant::now();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let code = ProcessOutput::of(child).code;
    assert!(asked.elapsed() < STOP_TIME, "{:?}", asked.elapsed());
    code
}

#[test]
fn a_stop_in_a_later_job_names_the_one_that_was_committed() {
    let sandbox = Sandbox::new();
    let child = until(&sandbox, "vehicle_location_metrics");
    let pid = child.id().to_string();
    Command::new("kill").args(["-INT", &pid]).status().unwrap();
    let ran = ProcessOutput::of(child);
    assert_eq!(ran.code, Some(143));
    let told = "stopped before anything of `vehicle_location_metrics` was committed; `rental_facts` was committed before it";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
}

#[test]
fn ctrl_c_is_heard_in_every_stage_and_the_next_command_goes_on() {
    let sandbox = Sandbox::new();
    let visible = || {
        let tables = [
            "rental_facts",
            "vehicle_location_metrics",
            "user_transaction_analysis",
        ];
        let count = |table: &&str| {
            sandbox
                .files(&format!("drivetrain-data/processed/{table}"))
                .len()
        };
        tables.iter().map(count).sum::<usize>()
    };
    // While the sample is made: it is half-made, and made again by the next command.
    let child = until(&sandbox, "no raw data");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(interrupt(child), Some(143));
    for (stage, begins) in [
        ("generate, again", "no raw data"),
        ("read", "rental_facts"),
        ("compute", "  read "),
        ("write", "  check "),
    ] {
        assert_eq!(interrupt(until(&sandbox, begins)), Some(143), "{stage}");
        assert_eq!(visible(), 0, "{stage}");
    }
    // While it is published: decided or not, and said which.
    let code = interrupt(until(&sandbox, "  write "));
    assert!(matches!(code, Some(75 | 143)), "{code:?}");
    sandbox.run("local").succeeds();
    let facts = "select count(*) from rental_facts";
    assert_eq!(sandbox.query(facts, "drivetrain-data/processed"), ["20080"]);
    assert!(
        sandbox
            .files("drivetrain-data/processed/_drivetrain/rental_facts/staging")
            .is_empty()
    );
}
