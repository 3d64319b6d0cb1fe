//! The documents: their commands run, their outputs are compared with those of the binary, and their tables are checked
//! against the code.

mod commands;

use std::path::Path;

use drivetrain_runner::error::exit;
use regex::Regex;

use commands::every_document;

use crate::support::process_output::ProcessOutput;
use crate::support::sandbox::Sandbox;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The documents whose commands are run, each in a folder of its own.
const DOCUMENTS: [&str; 2] = ["README.md", "docs/guide.md"];

/// Environment variable. If it is set, the outputs of this binary are written into the documents, instead of being
/// compared.
const UPDATE: &str = "DRIVETRAIN_UPDATE_DOCUMENTS";

/// Folder in which a document's commands run, as the document shows it.
const HOME: &str = "/home/you";

/// Splits a shell line into words. Double quotes group words, and `#` begins a comment.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap();
    let pieces = line.split('"').enumerate();
    pieces
        .flat_map(|(at, piece)| {
            let quoted = at % 2 == 1;
            let words: Vec<String> = if quoted {
                vec![piece.to_owned()]
            } else {
                piece.split_whitespace().map(str::to_owned).collect()
            };
            words
        })
        .collect()
}

/// Runs a document from top to bottom and returns it with the outputs of this binary.
///
/// A fenced block `csv some/file.csv` is written to that file. In a `console` block, lines after `$` are commands and
/// the others are outputs: standard output and, if a command fails, its error. In an `sh` block, each line that begins
/// with `drivetrain` must succeed.
fn run_document(document: &str) -> String {
    let sandbox = Sandbox::new();
    let mut written = String::new();
    let mut fence: Option<Vec<&str>> = None;
    let mut block = String::new();
    for line in document.split_inclusive('\n') {
        match (&fence, line.strip_prefix("```")) {
            (None, Some(info)) => {
                fence = Some(info.split_whitespace().collect());
                written += line;
            }
            (None, None) => written += line,
            (Some(info), Some(_)) => {
                written += &run_block(&sandbox, info, &block);
                written += line;
                block.clear();
                fence = None;
            }
            (Some(_), None) => block += line,
        }
    }
    assert!(fence.is_none(), "a fenced block is not closed");
    written
}

fn run_block(sandbox: &Sandbox, info: &[&str], block: &str) -> String {
    match info {
        [_, file] => sandbox.write(file, block),
        ["sh"] => {
            for line in block.lines().filter(|line| line.starts_with("drivetrain ")) {
                run(sandbox, line).succeeds();
            }
        }
        ["console"] => {
            let commands = block.lines().filter_map(|line| line.strip_prefix("$ "));
            return commands.fold(String::new(), |text, command| {
                text + &format!("$ {command}\n{}", output(sandbox, command))
            });
        }
        _ => {}
    }
    block.to_owned()
}

fn output(sandbox: &Sandbox, command: &str) -> String {
    if let Some(file) = command.strip_prefix("rm ") {
        std::fs::remove_file(sandbox.path(file)).unwrap();
        return String::new();
    }
    let ran = run(sandbox, command);
    let error = match ran.code {
        Some(0) => "",
        _ => ran
            .stderr
            .find("error: ")
            .map_or("", |at| &ran.stderr[at..]),
    };
    let folder = sandbox.path("").canonicalize().unwrap();
    format!("{}{error}", ran.stdout).replace(folder.to_str().unwrap(), HOME)
}

fn run(sandbox: &Sandbox, line: &str) -> ProcessOutput {
    let words = words(line);
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    sandbox.run_words(&words)
}

/// Replaces what differs between runs with placeholders: ids, times, and sizes, which depend on the versions of
/// libraries.
fn comparable(document: &str) -> String {
    let mut comparable = document.to_owned();
    for (pattern, word) in [
        (r"\b([0-9a-f]{32}|[0-9a-f]{24})\b", "ID"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
        (r" +\d+(\.\d)? ([KMG]i)?B\b", " SIZE"),
    ] {
        let pattern = Regex::new(pattern).unwrap();
        comparable = pattern.replace_all(&comparable, word).into_owned();
    }
    comparable
}

#[test]
fn every_command_of_the_documents_prints_what_they_say() {
    for name in DOCUMENTS {
        let document = read(name);
        let now = run_document(&document);
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(name), &now).unwrap();
            continue;
        }
        let (said, is) = (comparable(&document), comparable(&now));
        let differences: Vec<String> = said
            .lines()
            .zip(is.lines())
            .filter(|(said, is)| said != is)
            .map(|(said, is)| format!("- {said}\n+ {is}"))
            .collect();
        assert_eq!(
            said,
            is,
            "{name} does not say what is printed; `{UPDATE}=1 cargo test documents` writes it:\n{}",
            differences.join("\n")
        );
    }
}

#[test]
fn every_link_of_the_documents_leads_to_a_file() {
    let link = Regex::new(r"\]\(([^)#:]+)\)").unwrap();
    for name in every_document() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
        let folder = folder.parent().unwrap();
        for found in link.captures_iter(&read(&name)) {
            assert!(folder.join(&found[1]).exists(), "{name}: `{}`", &found[1]);
        }
    }
}

#[test]
fn every_path_in_the_map_exists() {
    // Finds paths up to a placeholder, for example the folder of `commands/<verb>.rs`.
    let path = Regex::new(r"`((?:[a-z_]+/)+[\w.-]*)[^`]*`").unwrap();
    let map = read("ARCHITECTURE.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found: Vec<_> = path
        .captures_iter(&map)
        .map(|found| found[1].to_owned())
        .collect();
    assert!(found.len() > 50, "{found:?}");
    // `_drivetrain/` is the folder of the commit protocol below an output root, not a folder of the repository.
    for path in found.iter().filter(|path| *path != "_drivetrain/") {
        let parents = ["", "jobs/src", "runner/src", "statemachine/src"];
        let exists = parents.iter().any(|parent| {
            let path = root.join(parent).join(path);
            path.exists() || path.with_extension("rs").exists()
        });
        assert!(exists, "ARCHITECTURE.md: `{path}`");
    }
}

#[test]
fn the_readme_prints_the_exit_table() {
    let readme = read("README.md");
    for (_, code, name, meaning) in exit::TABLE {
        let row = format!("| {code} | {name} | {meaning} |");
        assert!(readme.contains(&row), "expected in README.md: {row}");
    }
}
