//! What is printed where nobody reads, where the disk is full, and where the data would steer a terminal.

use std::fs::File;
use std::process::Stdio;

use crate::support::process_output::ProcessOutput;
use crate::support::sample_jobs::published_sales;
use crate::support::sandbox::Sandbox;

/// A pipe whose reader has gone.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full() -> Stdio {
    File::options()
        .write(true)
        .open("/dev/full")
        .unwrap()
        .into()
}

fn run(sandbox: &Sandbox, line: &str, out: Stdio, error: Stdio) -> ProcessOutput {
    let words: Vec<&str> = line.split_whitespace().collect();
    run_words(sandbox, &words, out, error)
}

fn run_words(sandbox: &Sandbox, words: &[&str], out: Stdio, error: Stdio) -> ProcessOutput {
    let child = sandbox.command(words).stdout(out).stderr(error).spawn();
    ProcessOutput::wait_for(child.unwrap())
}

#[test]
fn verbs_that_only_print_end_quietly_when_their_reader_has_gone() {
    let sandbox = published_sales();
    let table = sandbox.json("runs sales --output lake")[0]["rows"].clone();
    assert!(table.as_u64() > Some(0), "{table}");
    for line in [
        "jobs",
        "jobs rental_facts",
        "runs sales --output lake",
        "plan ./sales --input ./sales/sample --output lake",
        "check ./sales",
    ] {
        for format in ["text", "json"] {
            let line = format!("{line} --output-format {format}");
            let ran = run(&sandbox, &line, closed(), Stdio::piped());
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}");
            let ran = run(&sandbox, &line, full(), Stdio::piped());
            ran.fails(1, &["cannot write the result", "No space left"]);
            let ran = run(&sandbox, &line, closed(), closed());
            assert_eq!(ran.code, Some(0), "{line}");
            let ran = run(&sandbox, &line, full(), full());
            assert_eq!(ran.code, Some(1), "{line}");
        }
    }
}

#[test]
fn a_query_stops_when_its_reader_has_gone_and_says_that_the_disk_is_full() {
    let sandbox = published_sales();
    let sql = "select a.value from generate_series(1, 100000) a, generate_series(1, 1000000) b";
    for format in ["csv", "json", "parquet", "table"] {
        let sql = if matches!(format, "csv" | "json") {
            sql
        } else {
            "select 1 as one"
        };
        let words = ["query", sql, "--output", "lake", "--format", format];
        let ran = run_words(&sandbox, &words, closed(), Stdio::piped());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{format}");
        let words = [
            "query",
            "select 1 as one",
            "--output",
            "lake",
            "--format",
            format,
        ];
        run_words(&sandbox, &words, full(), Stdio::piped())
            .fails(1, &["cannot write the rows", "No space left"]);
    }
}

#[test]
fn a_run_commits_though_nobody_reads_a_word_of_it() {
    for (out, error) in [
        (closed as fn() -> Stdio, closed as fn() -> Stdio),
        (full, full),
        (closed, full),
    ] {
        for format in ["text", "json"] {
            let sandbox = Sandbox::new();
            sandbox.run("new job sales").succeeds();
            let line = "run ./sales --input ./sales/sample --output lake -v --output-format";
            let ran = run(&sandbox, &format!("{line} {format}"), out(), error());
            assert_eq!(ran.code, Some(0));
            let runs = sandbox.json("runs sales --output lake");
            assert_eq!(runs[0]["status"], "published", "{runs}");
        }
    }
}

#[test]
fn what_was_done_stays_done_where_it_cannot_be_told() {
    let sandbox = published_sales();
    for line in [
        "generate --rentals 50 --out data",
        "run ./sales --input ./sales/sample --output lake",
        "repair sales --output lake",
        "vacuum sales --output lake",
        "new job other",
        "new machine orders",
        "local --data mine",
    ] {
        let ran = run(&sandbox, line, full(), Stdio::piped());
        assert_eq!(ran.code, Some(0), "{line}\n{}", ran.stderr);
        let warning = "warning: cannot write the result, but all is done: No space left";
        assert!(ran.stderr.contains(warning), "{line}\n{}", ran.stderr);
    }
    assert!(sandbox.path("other/job.toml").exists());
}

#[test]
fn a_failure_keeps_its_code_though_nobody_is_told() {
    let sandbox = Sandbox::new();
    for format in ["text", "json"] {
        let line = format!("run ./nowhere --output lake --output-format {format}");
        for (out, error) in [(closed(), closed()), (full(), full())] {
            assert_eq!(run(&sandbox, &line, out, error).code, Some(2), "{line}");
        }
    }
}

#[test]
fn a_table_shows_what_would_steer_a_terminal() {
    let sandbox = published_sales();
    let sql = "select chr(27) || '[2J' || chr(13) || chr(10) || 'x' as \"b\u{7}\"";
    let ran = sandbox.run_words(&["query", sql, "--output", "lake", "--format", "table"]);
    let text = &ran.succeeds().stdout;
    assert!(text.contains("| \\u{1b}[2J\\r\\nx |"), "{text}");
    assert!(text.contains("| b\\u{7} "), "{text}");
    assert!(
        !text.contains(|one: char| one.is_control() && one != '\n'),
        "{text:?}"
    );
    // A program gets the data as it is.
    let ran = sandbox.run_words(&["query", sql, "--output", "lake", "--format", "csv"]);
    assert!(ran.stdout.contains("\u{1b}[2J\r\nx"), "{:?}", ran.stdout);
}

#[test]
fn what_the_command_line_names_is_escaped_in_errors() {
    let sandbox = Sandbox::new();
    sandbox
        .run_words(&["run", "./\u{1b}[2J", "--output", "lake"])
        .fails(2, &["\\u{1b}[2J` is no usable folder name"]);
}
