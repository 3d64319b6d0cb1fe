//! Printing into a closed pipe and to a full disk, and printing data with control characters.

use std::fs::File;
use std::process::Stdio;

use crate::support::process_output::ProcessOutput;
use crate::support::sample_jobs::published_sales;
use crate::support::sandbox::Sandbox;

/// Returns a pipe that its reader has closed.
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
fn commands_that_only_print_end_quietly_at_a_closed_pipe() {
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
            ran.fails(
                1,
                &[
                    "cannot write the result to standard output",
                    "No space left",
                ],
            );
            let ran = run(&sandbox, &line, closed(), closed());
            assert_eq!(ran.code, Some(0), "{line}");
            let ran = run(&sandbox, &line, full(), full());
            assert_eq!(ran.code, Some(1), "{line}");
        }
    }
}

#[test]
fn a_query_stops_at_a_closed_pipe_and_reports_a_full_disk() {
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
fn a_run_commits_although_its_output_cannot_be_written() {
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
fn finished_work_succeeds_although_its_result_cannot_be_written() {
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
        let warning = "warning: cannot write the result to standard output: No space left";
        assert!(ran.stderr.contains(warning), "{line}\n{}", ran.stderr);
    }
    assert!(sandbox.path("other/job.toml").exists());
}

#[test]
fn a_failure_keeps_its_exit_code_although_its_message_cannot_be_written() {
    let sandbox = Sandbox::new();
    for format in ["text", "json"] {
        let line = format!("run ./nowhere --output lake --output-format {format}");
        for (out, error) in [(closed(), closed()), (full(), full())] {
            assert_eq!(run(&sandbox, &line, out, error).code, Some(2), "{line}");
        }
    }
}

#[test]
fn a_table_escapes_control_characters() {
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
    // CSV contains the data unchanged.
    let ran = sandbox.run_words(&["query", sql, "--output", "lake", "--format", "csv"]);
    assert!(ran.stdout.contains("\u{1b}[2J\r\nx"), "{:?}", ran.stdout);
}

#[test]
fn names_from_the_command_line_are_escaped_in_errors() {
    let sandbox = Sandbox::new();
    sandbox
        .run_words(&["run", "./\u{1b}[2J", "--output", "lake"])
        .fails(2, &["\\u{1b}[2J` is not a valid folder name"]);
}
