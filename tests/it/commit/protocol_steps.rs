//! The commit protocol, stopped at each of its numbered steps in the real binary: at the very request, not at a time. The process is
//! killed there, or waits there while a second one does its work.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::support::backends::Cloud;
use crate::support::s3_gate::{Asked, Held, When};
use crate::support::sandbox::{ProcessOutput, Sandbox};

/// A place in the protocol: a request that comes there and nowhere else.
#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    when: When,
    nth: usize,
    matches: fn(&Asked) -> bool,
    /// What a second writer makes of the run that waits there.
    reached: Reached,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// The log is not read yet: whatever another one commits is what it builds on.
    Nothing,
    /// It aims at a record: another one's commit is noticed at the put.
    Aim,
    /// Its record is there.
    Commit,
}

const RECORD: &str = "/log/00000000000000000002.json";
const MARK: &str = "/log/00000000000000000002.published";

fn lists(asked: &Asked, prefix: &str) -> bool {
    asked.lists() && asked.key.contains(prefix)
}

/// The n-th delete of a run: of its probe, of what it replaced, of its notes.
fn deletes(asked: &Asked) -> bool {
    asked.deletes()
}

#[rustfmt::skip]
const STEPS: [Step; 23] = {
    use Reached::{Aim, Commit, Nothing};
    use When::{After, Before};
    const fn step(name: &'static str, when: When, nth: usize, matches: fn(&Asked) -> bool, reached: Reached) -> Step {
        Step { name, when, nth, matches, reached }
    }
    [
        step("1 freeze: the table's root is listed", Before, 1, |asked| lists(asked, "sales/daily_sales"), Nothing),
        step("1 freeze: the log is listed", Before, 1, |asked| lists(asked, "sales/log"), Nothing),
        step("1 freeze: the log has been listed", After, 1, |asked| lists(asked, "sales/log"), Aim),
        step("1 freeze: the inputs are listed", Before, 1, |asked| lists(asked, "raw/orders"), Aim),
        step("2 identify: the probe is put", Before, 2, |asked| asked.puts("/probe/"), Aim),
        step("2 identify: the attempt is written down", Before, 1, |asked| asked.puts("/started.json"), Aim),
        step("3 stage: the attempt has been written down", After, 1, |asked| asked.puts("/started.json"), Aim),
        step("3 stage: an upload has been opened", After, 1, Asked::opens_upload, Aim),
        step("3 stage: the uploads are written down", Before, 1, |asked| asked.puts(".uploads"), Aim),
        step("3 stage: a part is sent", Before, 1, Asked::sends_part, Aim),
        step("4 verify, 5 fence: the last part has been sent", After, 2, Asked::sends_part, Aim),
        step("6 commit: the record is put", Before, 1, |asked| asked.puts(RECORD), Aim),
        step("6 commit: the record has been put", After, 1, |asked| asked.puts(RECORD), Commit),
        step("7 publish: the first upload is completed", Before, 1, Asked::completes, Commit),
        step("7 publish: the first upload has been completed", After, 1, Asked::completes, Commit),
        step("7 publish: the second upload is completed", Before, 2, Asked::completes, Commit),
        step("7 publish: the last upload has been completed", After, 2, Asked::completes, Commit),
        step("7 publish: a key is looked at", Before, 1, |asked| asked.method == "HEAD" && asked.key.contains("sales/daily_sales/"), Commit),
        step("7 publish: the replaced parts are deleted", Before, 2, deletes, Commit),
        step("7 publish: the replaced parts have been deleted", After, 2, deletes, Commit),
        step("7 publish: the mark is put", Before, 1, |asked| asked.puts(MARK), Commit),
        step("7 publish: the mark has been put", After, 1, |asked| asked.puts(MARK), Commit),
        step("8 clean: the attempt's notes are deleted", Before, 3, deletes, Commit),
    ]
};

/// A run that is told to stop has two seconds; the rest is a busy machine's.
const STOP_TIME: Duration = Duration::from_secs(4);

/// Two inputs, and a table that was published from the first.
struct Stage {
    cloud: Cloud,
    sandbox: Sandbox,
}

const OLD: &[&str] = &["2024-03-01,264.90", "2024-03-02,112.49"];
const NEW: &[&str] = &["2024-03-01,300.00", "2024-03-03,7.00"];

impl Stage {
    fn new() -> Self {
        let cloud = Cloud::start();
        let sandbox = Sandbox::with(cloud.variables());
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
            let path = cloud.path(&format!("in/raw/{file}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Self { cloud, sandbox }
    }

    /// An output root of its own, with the old table in it.
    fn root(&self, number: usize) -> Root<'_> {
        let name = format!("out{number}");
        copy(&self.cloud.path("old"), &self.cloud.path(&name));
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

    /// Starts the run and waits until it stands at the step.
    fn stopped_at(&self, step: &Step, flags: &str) -> (std::process::Child, Held) {
        let held = self
            .stage
            .cloud
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

    /// Status of each record in the log.
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

    /// The files that somebody sees who lists the table.
    fn visible(&self) -> usize {
        count(
            &self.stage.cloud.path(&format!("{}/sales", self.name)),
            &|name| name.ends_with(".parquet"),
        )
    }

    /// Makes all notes of attempts as old as those that vacuum takes.
    fn age(&self) {
        age(&self
            .stage
            .cloud
            .path(&format!("{}/_drivetrain/sales/attempts", self.name)));
    }

    fn vacuum(&self) -> ProcessOutput {
        self.stage
            .sandbox
            .run(&format!("vacuum sales --output s3://bucket/{}", self.name))
    }

    /// After all: the new rows alone, each run live once, nothing left over.
    #[track_caller]
    fn is_new(&self, log: &[&str], context: &str) {
        assert_eq!(self.rows(), NEW, "{context}");
        assert_eq!(self.visible(), 2, "{context}");
        assert_eq!(self.log(), log, "{context}");
    }

    /// And nothing of any attempt once vacuum came by.
    #[track_caller]
    fn is_clean(&self, context: &str) {
        self.age();
        self.vacuum().succeeds();
        let notes = format!("{}/_drivetrain/sales/attempts", self.name);
        assert_eq!(
            count(&self.stage.cloud.path(&notes), &|_| true),
            0,
            "{context}"
        );
        assert_eq!(self.visible(), 2, "{context}");
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

/// What the server keeps of uploads that nobody completed or aborted.
fn open_uploads(cloud: &Cloud) -> Vec<String> {
    let names = fs::read_dir(cloud.path("").parent().unwrap()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".upload")).collect()
}

fn forget_uploads(cloud: &Cloud) {
    for name in open_uploads(cloud) {
        fs::remove_file(cloud.path("").parent().unwrap().join(name)).unwrap();
    }
}

#[test]
fn a_process_killed_at_each_step_leaves_the_old_table_or_is_finished_by_the_next() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        let root = stage.root(number);
        let (mut child, _held) = root.stopped_at(step, "");
        child.kill().unwrap();
        child.wait().unwrap();
        if step.reached == Reached::Commit {
            // Whoever comes next finishes it: the same command, or (every other time) a reader.
            if number % 2 == 0 {
                assert_eq!(root.rows(), NEW, "{}", step.name);
            }
        } else {
            assert_eq!(root.visible(), 2, "{}", step.name);
            assert_eq!(root.rows(), OLD, "{}", step.name);
            assert_eq!(root.log(), ["published"], "{}", step.name);
        }
        root.run("").succeeds();
        root.is_new(&["published", "published"], step.name);
        root.is_clean(step.name);
        // An upload that is open and not yet written down nobody can find: the bucket's lifecycle rule takes it.
        if step.name.starts_with("3 stage") {
            forget_uploads(&stage.cloud);
        }
        assert_eq!(
            open_uploads(&stage.cloud),
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
        let (child, held) = root.stopped_at(step, "");
        root.run("").succeeds();
        assert_eq!(root.rows(), NEW, "{}", step.name);
        held.go_on();
        ProcessOutput::of(child).succeeds();
        root.is_new(&["published", "published"], step.name);
    }
    assert_eq!(open_uploads(&stage.cloud), Vec::<String>::new());
}

#[test]
fn a_second_run_at_each_step_is_built_on_or_conflicts() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        let root = stage.root(number);
        let (child, held) = root.stopped_at(step, "");
        // Another run, for its parameters differ; of the same rows.
        root.run("--max-rejected 0.02").succeeds();
        held.go_on();
        let first = ProcessOutput::of(child);
        let log: &[&str] = if step.reached == Reached::Aim {
            first.fails(
                5,
                &[
                    "was committed meanwhile (record 2)",
                    "run the same command again",
                ],
            );
            &["published"; 2]
        } else {
            assert_eq!(first.code, Some(0), "{}\n{}", step.name, first.stderr);
            &["published"; 3]
        };
        root.is_new(log, step.name);
    }
    assert_eq!(open_uploads(&stage.cloud), Vec::<String>::new());
}

#[test]
fn a_window_beside_another_one_takes_the_next_number_at_each_step() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        // The window's days: one upload, nothing to replace.
        let (mut step, root) = (*step, stage.root(number));
        if step.nth > 1 && !step.name.starts_with('2') {
            continue;
        }
        step.nth = 1;
        let (child, held) = root.stopped_at(&step, "--param from=2024-03-03");
        root.run("--param to=2024-03-02").succeeds();
        held.go_on();
        let first = ProcessOutput::of(child);
        assert_eq!(first.code, Some(0), "{}\n{}", step.name, first.stderr);
        root.is_new(&["published"; 3], step.name);
    }
    assert_eq!(open_uploads(&stage.cloud), Vec::<String>::new());
}

#[test]
fn a_vacuum_that_takes_a_live_attempt_for_dead_loses_nothing_silently() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        let root = stage.root(number);
        let (child, held) = root.stopped_at(step, "");
        root.age();
        root.vacuum().succeeds();
        held.go_on();
        let first = ProcessOutput::of(child);
        // Its uploads are gone: it fails, or it finds itself lost and starts again. Never is a part missing.
        let lost = root.log().contains(&"voided".to_owned());
        if first.code == Some(0) {
            let log: &[&str] = if lost {
                &["published", "voided", "void", "published"]
            } else {
                &["published", "published"]
            };
            root.is_new(log, step.name);
        } else {
            first.fails(1, &["hint:"]);
            assert_eq!(root.rows(), OLD, "{}", step.name);
        }
        if step.name.starts_with("6 commit: the record is put") {
            assert!(lost, "{}", first.stderr);
        }
    }
    assert_eq!(open_uploads(&stage.cloud), Vec::<String>::new());
}

#[test]
fn a_publisher_that_comes_late_never_voids_what_is_marked() {
    let stage = Stage::new();
    let root = stage.root(0);
    let completes = STEPS
        .iter()
        .find(|step| step.name.starts_with("7 publish: the first upload is"))
        .unwrap();
    let (child, held) = root.stopped_at(completes, "");
    let repair = format!("repair sales --output s3://bucket/{}", root.name);
    stage.sandbox.run(&repair).succeeds();
    assert_eq!(root.log(), ["published", "published"]);
    // Then a part is lost by another hand: to the late publisher it looks as if its upload had never been completed.
    let day = stage
        .cloud
        .path(&format!("{}/sales/daily_sales/day=2024-03-01", root.name));
    fs::remove_dir_all(day).unwrap();
    held.go_on();
    ProcessOutput::of(child).succeeds();
    assert_eq!(
        root.log(),
        ["published", "published"],
        "a marked record stays"
    );
    assert_eq!(
        root.visible(),
        1,
        "and what it wrote stays, as far as it is there"
    );
}

#[test]
fn a_stop_at_each_step_is_heard_in_time_and_says_what_is_decided() {
    let stage = Stage::new();
    for (number, step) in STEPS.iter().enumerate() {
        let root = stage.root(number);
        let (child, _held) = root.stopped_at(step, "");
        let asked = Instant::now();
        let signal = if number % 2 == 0 { "-TERM" } else { "-INT" };
        let pid = child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().unwrap();
        let ran = ProcessOutput::of(child);
        let took = asked.elapsed();
        assert!(took < STOP_TIME, "{}: {took:?}", step.name);
        match step.name {
            // The request that decides is under way, or its answer is: nobody knows, or a look tells.
            "6 commit: the record is put" => ran.fails(75, &["as record 2 is undecided"]),
            "6 commit: the record has been put" | "8 clean: the attempt's notes are deleted" => {
                assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            }
            _ if step.reached == Reached::Commit => ran.fails(
                75,
                &["committed, publish pending", "run the same command again"],
            ),
            _ => {
                ran.fails(143, &["stopped before anything was committed"]);
                assert_eq!(root.rows(), OLD, "{}", step.name);
                assert_eq!(root.log(), ["published"], "{}", step.name);
            }
        }
        root.run("").succeeds();
        root.is_new(&["published", "published"], step.name);
        root.is_clean(step.name);
    }
}
