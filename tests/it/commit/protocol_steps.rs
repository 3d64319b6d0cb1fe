//! Holds the real binary at each numbered step of the commit protocol: at a request, not at a point in time. There, the
//! process is killed or stopped, or it waits while a second process does its work.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant, SystemTime};

use crate::support::process_output::{ProcessOutput, signal};
use crate::support::s3_gate::{HeldRequest, S3Request, When};
use crate::support::s3_server::S3Server;
use crate::support::sandbox::Sandbox;

/// A point in the protocol, identified by a request that is sent only there.
#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    when: When,
    nth: usize,
    matches: fn(&S3Request) -> bool,
    reached: Reached,
}

/// Progress of a run, which determines how a second writer treats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// The run has not read the log yet, so it builds on whatever another run commits.
    Nothing,
    /// The run has chosen the number of its record, so it notices another run's commit when it puts the record.
    Aim,
    /// The run's record is committed.
    Commit,
}

const RECORD: &str = "/log/00000000000000000002.json";
const MARK: &str = "/log/00000000000000000002.published";

fn lists(request: &S3Request, prefix: &str) -> bool {
    request.lists() && request.key.contains(prefix)
}

/// `true` if the request deletes objects. A run deletes its probe, the parts that it replaced, and its notes, in this
/// order.
fn deletes(request: &S3Request) -> bool {
    request.deletes()
}

#[rustfmt::skip]
const STEPS: [Step; 23] = {
    use Reached::{Aim, Commit, Nothing};
    use When::{After, Before};
    const fn step(name: &'static str, when: When, nth: usize, matches: fn(&S3Request) -> bool, reached: Reached) -> Step {
        Step { name, when, nth, matches, reached }
    }
    [
        step("1 freeze: the table's root is listed", Before, 1, |request| lists(request, "sales/daily_sales"), Nothing),
        step("1 freeze: the log is listed", Before, 1, |request| lists(request, "sales/log"), Nothing),
        step("1 freeze: the log has been listed", After, 1, |request| lists(request, "sales/log"), Aim),
        step("1 freeze: the inputs are listed", Before, 1, |request| lists(request, "raw/orders"), Aim),
        step("2 identify: the probe is put", Before, 2, |request| request.puts("/probe/"), Aim),
        step("2 identify: the attempt is written down", Before, 1, |request| request.puts("/started.json"), Aim),
        step("3 stage: the attempt has been written down", After, 1, |request| request.puts("/started.json"), Aim),
        step("3 stage: an upload has been opened", After, 1, S3Request::opens_upload, Aim),
        step("3 stage: the uploads are written down", Before, 1, |request| request.puts(".uploads"), Aim),
        step("3 stage: a part is sent", Before, 1, S3Request::sends_part, Aim),
        step("4 verify, 5 fence: the last part has been sent", After, 2, S3Request::sends_part, Aim),
        step("6 commit: the record is put", Before, 1, |request| request.puts(RECORD), Aim),
        step("6 commit: the record has been put", After, 1, |request| request.puts(RECORD), Commit),
        step("7 publish: the first upload is completed", Before, 1, S3Request::completes, Commit),
        step("7 publish: the first upload has been completed", After, 1, S3Request::completes, Commit),
        step("7 publish: the second upload is completed", Before, 2, S3Request::completes, Commit),
        step("7 publish: the last upload has been completed", After, 2, S3Request::completes, Commit),
        step("7 publish: a key is looked at", Before, 1, |request| request.method == "HEAD" && request.key.contains("sales/daily_sales/"), Commit),
        step("7 publish: the replaced parts are deleted", Before, 2, deletes, Commit),
        step("7 publish: the replaced parts have been deleted", After, 2, deletes, Commit),
        step("7 publish: the mark is put", Before, 1, |request| request.puts(MARK), Commit),
        step("7 publish: the mark has been put", After, 1, |request| request.puts(MARK), Commit),
        step("8 clean: the attempt's notes are deleted", Before, 3, deletes, Commit),
    ]
};

/// Maximum time until a stopped process has ended. A stop takes two seconds at most; the rest is for a busy machine.
const STOP_TIME: Duration = Duration::from_secs(4);

/// A sandbox with a job, and a server with a table that the job published and with another input for it.
struct Stage {
    server: S3Server,
    sandbox: Sandbox,
}

const OLD: &[&str] = &["2024-03-01,264.90", "2024-03-02,112.49"];
const NEW: &[&str] = &["2024-03-01,300.00", "2024-03-03,7.00"];

impl Stage {
    fn new() -> Self {
        let server = S3Server::start();
        let sandbox = Sandbox::with_variables(server.variables());
        sandbox.run("new job sales").succeeds();
        sandbox
            .run("run ./sales --input sales/sample --output s3://bucket/old")
            .succeeds();
        let shops = fs::read(sandbox.path("sales/sample/raw/shops/shops.csv")).unwrap();
        for (file, bytes) in [
            ("shops/shops.csv", shops.as_slice()),
            (
                "orders/orders.csv",
                b"order_id,shop_id,ordered_at,amount,paid\n1,10,01.03.2024 09:15,300.00,yes\n2,20,03.03.2024 10:00,7.00,yes\n",
            ),
        ] {
            let path = server.path(&format!("in/raw/{file}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Self { server, sandbox }
    }

    /// Returns a new output root that contains the published table.
    fn root(&self, number: usize) -> Root<'_> {
        let name = format!("out{number}");
        copy(&self.server.path("old"), &self.server.path(&name));
        Root { stage: self, name }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

struct Root<'a> {
    stage: &'a Stage,
    name: String,
}

impl Root<'_> {
    fn line(&self, flags: &str) -> String {
        format!(
            "run ./sales --input s3://bucket/in --output s3://bucket/{} {flags}",
            self.name
        )
    }

    fn run(&self, flags: &str) -> ProcessOutput {
        self.stage.sandbox.run(&self.line(flags))
    }

    /// Starts the run and waits until the gate holds its request at the step.
    fn held_at(&self, step: &Step, flags: &str) -> (Child, HeldRequest) {
        let held = self
            .stage
            .server
            .gate
            .hold(step.when, step.nth, step.matches);
        let child = self.stage.sandbox.start(&self.line(flags));
        held.reached();
        (child, held)
    }

    fn rows(&self) -> Vec<String> {
        let sql = "select day, sum(revenue) from daily_sales group by day order by day";
        self.stage
            .sandbox
            .query(sql, &format!("s3://bucket/{}", self.name))
    }

    /// Returns the status of each record in the log.
    fn log(&self) -> Vec<String> {
        let log = self
            .stage
            .sandbox
            .json(&format!("runs sales --output s3://bucket/{}", self.name));
        let lines = log.as_array().unwrap().iter();
        lines
            .map(|line| line["status"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns the number of files that a listing of the table shows.
    fn listed(&self) -> usize {
        count(
            &self.stage.server.path(&format!("{}/sales", self.name)),
            &|name| name.ends_with(".parquet"),
        )
    }

    /// Makes all notes of attempts old enough for vacuum.
    fn age(&self) {
        age(&self
            .stage
            .server
            .path(&format!("{}/_drivetrain/sales/attempts", self.name)));
    }

    fn vacuum(&self) -> ProcessOutput {
        self.stage
            .sandbox
            .run(&format!("vacuum sales --output s3://bucket/{}", self.name))
    }

    /// Asserts that readers see only the new rows, and the status of each record.
    #[track_caller]
    fn assert_new(&self, log: &[&str], context: &str) {
        assert_eq!(self.rows(), NEW, "{context}");
        assert_eq!(self.listed(), 2, "{context}");
        assert_eq!(self.log(), log, "{context}");
    }

    /// Asserts that nothing is left of any attempt after a vacuum.
    #[track_caller]
    fn assert_clean(&self, context: &str) {
        self.age();
        self.vacuum().succeeds();
        let notes = format!("{}/_drivetrain/sales/attempts", self.name);
        assert_eq!(
            count(&self.stage.server.path(&notes), &|_| true),
            0,
            "{context}"
        );
        assert_eq!(self.listed(), 2, "{context}");
    }
}

fn count(folder: &Path, counts: &dyn Fn(&str) -> bool) -> usize {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let counted = entries.map(|entry| {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            count(&entry.path(), counts)
        } else {
            usize::from(counts(entry.file_name().to_str().unwrap()))
        }
    });
    counted.sum()
}

fn age(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            age(&path);
        } else {
            let old = SystemTime::now() - Duration::from_hours(25);
            fs::File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(old)
                .unwrap();
        }
    }
}

#[test]
fn a_process_killed_at_each_step_leaves_the_old_table_or_is_finished_by_the_next() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        let root = stage.root(number);
        let (mut child, _held) = root.held_at(step, "");
        child.kill().unwrap();
        child.wait().unwrap();
        if step.reached == Reached::Commit {
            // The next process finishes the run: the same command or, every other time, a reader.
            if number % 2 == 0 {
                assert_eq!(root.rows(), NEW, "{}", step.name);
            }
        } else {
            assert_eq!(root.listed(), 2, "{}", step.name);
            assert_eq!(root.rows(), OLD, "{}", step.name);
            assert_eq!(root.log(), ["published"], "{}", step.name);
        }
        root.run("").succeeds();
        root.assert_new(&["published", "published"], step.name);
        root.assert_clean(step.name);
        // No process can find an open upload that was not noted yet: the bucket's lifecycle rule removes it.
        if step.name.starts_with("3 stage") {
            stage.server.forget_uploads();
        }
        assert_eq!(
            stage.server.open_uploads(),
            Vec::<String>::new(),
            "{}",
            step.name
        );
    }
}

#[test]
fn the_same_command_twice_at_once_is_one_run_at_each_step() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        let root = stage.root(number);
        let (child, held) = root.held_at(step, "");
        root.run("").succeeds();
        assert_eq!(root.rows(), NEW, "{}", step.name);
        held.resume();
        ProcessOutput::wait_for(child).succeeds();
        root.assert_new(&["published", "published"], step.name);
    }
    assert_eq!(stage.server.open_uploads(), Vec::<String>::new());
}

#[test]
fn a_second_run_at_each_step_is_built_on_or_conflicts() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        let root = stage.root(number);
        let (child, held) = root.held_at(step, "");
        // The parameters differ, so this is another run, with the same rows.
        root.run("--max-rejected 0.02").succeeds();
        held.resume();
        let first = ProcessOutput::wait_for(child);
        let log: &[&str] = if step.reached == Reached::Aim {
            first.fails(
                5,
                &[
                    "was committed first (record 2)",
                    "run the same command again",
                ],
            );
            &["published"; 2]
        } else {
            assert_eq!(first.code, Some(0), "{}\n{}", step.name, first.stderr);
            &["published"; 3]
        };
        root.assert_new(log, step.name);
    }
    assert_eq!(stage.server.open_uploads(), Vec::<String>::new());
}

#[test]
fn a_window_beside_another_one_takes_the_next_number_at_each_step() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        // This window has one upload and nothing to replace, so each request is sent once.
        let (mut step, root) = (*step, stage.root(number));
        if step.nth > 1 && !step.name.starts_with('2') {
            continue;
        }
        step.nth = 1;
        let (child, held) = root.held_at(&step, "--param from=2024-03-03");
        root.run("--param to=2024-03-02").succeeds();
        held.resume();
        let first = ProcessOutput::wait_for(child);
        assert_eq!(first.code, Some(0), "{}\n{}", step.name, first.stderr);
        root.assert_new(&["published"; 3], step.name);
    }
    assert_eq!(stage.server.open_uploads(), Vec::<String>::new());
}

#[test]
fn a_vacuum_that_takes_a_live_attempt_for_dead_loses_nothing_silently() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        let root = stage.root(number);
        let (child, held) = root.held_at(step, "");
        root.age();
        root.vacuum().succeeds();
        held.resume();
        let first = ProcessOutput::wait_for(child);
        // Its uploads are gone: the run fails, or notices that it is lost and starts again. No part is ever missing.
        let lost = root.log().contains(&"voided".to_owned());
        if first.code == Some(0) {
            let log: &[&str] = if lost {
                &["published", "voided", "void", "published"]
            } else {
                &["published", "published"]
            };
            root.assert_new(log, step.name);
        } else {
            first.fails(1, &["hint:"]);
            assert_eq!(root.rows(), OLD, "{}", step.name);
        }
        if step.name.starts_with("6 commit: the record is put") {
            assert!(lost, "{}", first.stderr);
        }
    }
    assert_eq!(stage.server.open_uploads(), Vec::<String>::new());
}

#[test]
fn a_late_publisher_never_voids_a_marked_record() {
    let stage = Stage::new();
    let root = stage.root(0);
    let completes = STEPS
        .iter()
        .find(|step| step.name.starts_with("7 publish: the first upload is"))
        .unwrap();
    let (child, held) = root.held_at(completes, "");
    let repair = format!("repair sales --output s3://bucket/{}", root.name);
    stage.sandbox.run(&repair).succeeds();
    assert_eq!(root.log(), ["published", "published"]);
    // Then a part is deleted by hand. To the late publisher, it looks as if the upload had never been completed.
    let day = stage
        .server
        .path(&format!("{}/sales/daily_sales/day=2024-03-01", root.name));
    fs::remove_dir_all(day).unwrap();
    held.resume();
    ProcessOutput::wait_for(child).succeeds();
    assert_eq!(
        root.log(),
        ["published", "published"],
        "a marked record stays"
    );
    assert_eq!(
        root.listed(),
        1,
        "and what it wrote stays, as far as it is there"
    );
}

#[test]
fn a_stop_at_each_step_ends_in_time_and_reports_what_is_decided() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        let root = stage.root(number);
        let (child, _held) = root.held_at(step, "");
        let asked = Instant::now();
        signal(&child, if number % 2 == 0 { "TERM" } else { "INT" });
        let ran = ProcessOutput::wait_for(child);
        let took = asked.elapsed();
        assert!(took < STOP_TIME, "{}: {took:?}", step.name);
        match step.name {
            // If the decisive request is in flight, the outcome is unknown. If its answer is, a read finds the outcome.
            "6 commit: the record is put" => ran.fails(75, &["was committed as record 2"]),
            "6 commit: the record has been put" | "8 clean: the attempt's notes are deleted" => {
                ran.succeeds();
            }
            _ if step.reached == Reached::Commit => ran.fails(
                75,
                &[
                    "the run is committed, but its publish is not finished",
                    "run the same command again",
                ],
            ),
            _ => {
                ran.fails(143, &["stopped before anything was committed"]);
                assert_eq!(root.rows(), OLD, "{}", step.name);
                assert_eq!(root.log(), ["published"], "{}", step.name);
            }
        }
        root.run("").succeeds();
        root.assert_new(&["published", "published"], step.name);
        root.assert_clean(step.name);
    }
}
