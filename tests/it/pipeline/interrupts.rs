//! Ctrl-C, SIGTERM and kill in every stage: the process ends in time, publishes all or nothing, and the next command
//! continues.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::support::process_output::{ProcessOutput, signal};
use crate::support::sample_jobs::PIPELINE;
use crate::support::sandbox::Sandbox;

/// Maximum time until a stopped process has ended. A stop takes two seconds at most; the rest is for a busy machine.
const STOP_TIME: Duration = Duration::from_secs(4);

/// Starts `drivetrain local` and waits for a progress line that begins with a text.
fn start_until(sandbox: &Sandbox, begins: &str) -> Child {
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
    // A thread reads the remaining lines. Otherwise the process would end when it writes the next one.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

/// Interrupts a process, which must end in time, and returns its exit code.
fn interrupt(child: Child) -> Option<i32> {
    let asked = Instant::now();
    signal(&child, "INT");
    let code = ProcessOutput::wait_for(child).code;
    assert!(asked.elapsed() < STOP_TIME, "{:?}", asked.elapsed());
    code
}

#[test]
fn a_stop_in_a_later_job_names_the_one_that_was_committed() {
    let sandbox = Sandbox::new();
    let child = start_until(&sandbox, "vehicle_location_metrics");
    signal(&child, "INT");
    let ran = ProcessOutput::wait_for(child);
    assert_eq!(ran.code, Some(143));
    let text = "stopped before the job `vehicle_location_metrics` committed anything; `rental_facts` was already committed";
    ran.prints(&[text]);
}

#[test]
fn ctrl_c_ends_every_stage_in_time_and_the_next_command_continues() {
    let sandbox = Sandbox::new();
    let published = || {
        let files = |job: &&str| sandbox.files(&format!("drivetrain-data/processed/{job}"));
        PIPELINE.iter().flat_map(files).count()
    };
    // Interrupted while the sample is generated. The sample is incomplete, and the next command generates it again.
    let child = start_until(&sandbox, "no raw data");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(interrupt(child), Some(143));
    for (stage, begins) in [
        ("generate, again", "no raw data"),
        ("read", "rental_facts"),
        ("compute", "  read "),
        ("write", "  check "),
    ] {
        assert_eq!(
            interrupt(start_until(&sandbox, begins)),
            Some(143),
            "{stage}"
        );
        assert_eq!(published(), 0, "{stage}");
    }
    // Interrupted while the run is published. The exit code shows whether it was committed.
    let code = interrupt(start_until(&sandbox, "  write "));
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

#[test]
fn a_stopped_run_publishes_nothing_and_the_same_command_does_it_all() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 60000 --seed 6 --out data");
    let child = sandbox.start("run rental_facts --input data --output lake");
    std::thread::sleep(Duration::from_millis(700));
    signal(&child, "TERM");
    let asked = Instant::now();
    assert_eq!(ProcessOutput::wait_for(child).code, Some(143));
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(sandbox.files("lake/rental_facts").len(), 0);
    sandbox.json("run rental_facts --input data --output lake");
    assert_eq!(
        sandbox.query("select count(*) from rental_facts", "lake"),
        ["60000"]
    );
}

#[test]
fn a_process_killed_at_any_moment_leaves_nothing_half_done() {
    let sandbox = Sandbox::new();
    sandbox.json("generate --rentals 3000 --seed 8 --out data");
    sandbox.json("run rental_facts --input data --output calm");
    let all = "select * from rental_facts order by rental_id";
    let calm = sandbox.query(all, "calm");
    for (nth, millis) in [150, 400, 700, 1000, 1300, 1700].into_iter().enumerate() {
        let output = format!("lake{nth}");
        let line = format!("run rental_facts --input data --output {output}");
        let mut child = sandbox.start(&line);
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
        sandbox.json(&line);
        assert_eq!(
            sandbox.query(all, &output),
            calm,
            "killed after {millis} ms"
        );
        let published = sandbox.files(&format!("{output}/rental_facts"));
        let count = sandbox.query("select count(*) from rental_facts", &output);
        assert_eq!(count, ["3000"], "{} files", published.len());
    }
}
