//! What the documents promise: commands that run, tables that are true, edges that hold.

use std::path::Path;

use drivetrain_runner::exit;

use crate::support::sandbox::Sandbox;

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Splits a shell line into words: double quotes group words, `#` begins a comment.
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

#[test]
fn every_command_in_the_readme_runs() {
    let sandbox = Sandbox::new();
    let readme = read("README.md");
    let commands: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("drivetrain "))
        .collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let words = words(command);
        let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        sandbox.run_words(&words).succeeds();
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

#[test]
fn crates_depend_on_each_other_one_way_only() {
    let allowed = [
        ("jobs", vec![]),
        ("statemachine", vec![]),
        ("bootstrap", vec!["drivetrain-statemachine"]),
        (
            "runner",
            vec![
                "drivetrain-bootstrap",
                "drivetrain-jobs",
                "drivetrain-statemachine",
            ],
        ),
    ];
    for (member, allowed) in allowed {
        let manifest = read(&format!("{member}/Cargo.toml"));
        for line in manifest
            .lines()
            .filter(|line| line.starts_with("drivetrain-"))
        {
            let name = line.split(['.', ' ', '=']).next().unwrap();
            assert!(
                allowed.contains(&name),
                "{member} must not depend on {name}"
            );
        }
    }
    for member in ["statemachine", "bootstrap"] {
        let manifest = read(&format!("{member}/Cargo.toml"));
        for heavy in ["datafusion", "aws-", "object_store", "arrow", "parquet"] {
            let found = manifest.lines().any(|line| line.starts_with(heavy));
            assert!(!found, "{member} must not depend on {heavy}");
        }
    }
}
