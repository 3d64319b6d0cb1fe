//! Every command of every document: it is run by the tests of this folder, or a table says why it is not. The names in
//! commands and in the table must exist.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

use super::{DOCUMENTS, read, words};
use crate::support::sandbox::Sandbox;

/// Commands of documents that do not run here, by the words with which they begin, and the reason. The longest entry
/// that matches a command applies. The names in commands and in reasons must exist.
const NOT_RUN: &[(&str, &str)] = &[
    (".ci/run", "runs this test"),
    ("aws stepfunctions", "needs an AWS account"),
    (
        "benches/peers/run_stepfunctions.mjs",
        "measured by hand, needs Node.js",
    ),
    ("$(benches/peers/prepare)", "measured by hand, needs DuckDB"),
    (
        "cargo +nightly fuzz run",
        "needs a nightly compiler; `statemachine/tests/it/mutations.rs` mutates the same seeds",
    ),
    (
        "python3 benches/heartbeat_gaps.py",
        "measured by hand, takes ten minutes",
    ),
    (
        "python3 benches/task_start.py",
        "measured by hand, starts a run sixty times",
    ),
    (
        "target/debug/drivetrain generate --rentals 20000000",
        "makes data for a measurement by hand",
    ),
    ("cargo build", "builds the binary that this test runs"),
    (
        "cargo bench",
        "measured by hand; `.ci/run clippy` compiles the benchmarks",
    ),
    (
        "cargo build --release",
        "takes minutes; `just release` is the same build",
    ),
    (
        "cargo build --release -p drivetrain-statemachine --example",
        "takes minutes; `.ci/run clippy` compiles the example",
    ),
    ("cargo install cargo-fuzz", "needs the network"),
    ("cargo run", "builds the binary that this test runs"),
    (
        "cargo run -- local",
        "builds the binary; `tests/it/pipeline/bundled.rs` runs `drivetrain local`",
    ),
    (
        "cargo run --release --manifest-path docs/model/Cargo.toml",
        "explores the model; `.ci/run model` runs it",
    ),
    (
        "cargo run --release --manifest-path docs/model/Cargo.toml -- --full",
        "takes five minutes of processor time; run and measured by hand",
    ),
    (
        "cargo run --release --manifest-path docs/model/Cargo.toml -- --mutants",
        "prints traces; `.ci/run model` tries the same mutants",
    ),
    ("cargo test", "runs this test; so does `.ci/run test`"),
    (
        "cargo test -p drivetrain-statemachine --test it -- --ignored",
        "needs recorded cases; `.ci/run services` runs it",
    ),
    ("just check", "is `.ci/run`"),
    (
        "target/release/drivetrain",
        "measured by hand, with ten million rentals",
    ),
];

/// Documents with blocks of text that no test compares, by the beginning of their path, and the reason.
const NOT_COMPARED: &[(&str, &str)] = &[
    ("ARCHITECTURE.md", "drawings"),
    (
        "benches/results/",
        "figures of the machine and the day that the folder's name says",
    ),
];

/// Programs with which a command in a sentence begins.
const PROGRAMS: [&str; 5] = [".ci/run", "aws", "cargo", "drivetrain", "just"];

#[test]
fn every_command_of_every_document_is_run_or_listed_with_the_reason() {
    let mut used = BTreeSet::new();
    let mut problems: Vec<String> = every_document()
        .iter()
        .flat_map(|document| problems_of(document, &mut used))
        .collect();
    for (entry, reason) in NOT_RUN.iter().chain(NOT_COMPARED) {
        if !used.contains(entry) {
            problems.push(format!("the entry `{entry}` matches nothing"));
        }
        for quoted in quoted(reason) {
            let missing = missing_name(&command_words(&quoted));
            problems.extend(missing.map(|missing| format!("the reason of `{entry}`: {missing}")));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Returns what is wrong with the commands and the blocks of a document, and adds the entries that it needs to `used`.
fn problems_of(document: &str, used: &mut BTreeSet<&'static str>) -> Vec<String> {
    let mut problems = Vec::new();
    let (blocks, sentences) = blocks(&read(document));
    for (language, text) in &blocks {
        if language == "text" {
            let mut entries = NOT_COMPARED.iter().map(|(entry, _)| *entry);
            match entries.find(|entry| document.starts_with(entry)) {
                Some(entry) => used.extend([entry]),
                None => problems.push("a `text` block is not in `NOT_COMPARED`".to_owned()),
            }
        }
        for command in commands(language, text) {
            let can_run = command.starts_with("drivetrain ") || language == "console";
            if can_run && DOCUMENTS.contains(&document) {
                continue;
            }
            let words = command_words(&command);
            match not_run(&words) {
                Some(entry) => used.extend([entry]),
                None => problems.push(format!("`{command}` is neither run nor in `NOT_RUN`")),
            }
            problems.extend(missing_name(&words));
        }
    }
    for command in commands_in(&sentences) {
        let words = command_words(&command);
        match not_run(&words) {
            Some(entry) => used.extend([entry]),
            // A sentence that mentions a verb needs no reason. `missing_name` checks the verb.
            None if words[0] == "drivetrain" => {}
            None => problems.push(format!("`{command}` is not in `NOT_RUN`")),
        }
        problems.extend(missing_name(&words));
    }
    if has_indented_code(&sentences) {
        problems.push("an indented block has no language: fence it".to_owned());
    }
    problems
        .iter()
        .map(|problem| format!("{document}: {problem}"))
        .collect()
}

/// Returns the paths of all Markdown files of the repository, from its root.
pub fn every_document() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let below = path.strip_prefix(root).unwrap();
                found.push(below.to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    assert!(found.len() > 10, "{found:?}");
    found
}

/// Splits a document into its fenced blocks, each with its language, and the text outside of them.
fn blocks(document: &str) -> (Vec<(String, String)>, String) {
    let (mut blocks, mut sentences) = (Vec::new(), String::new());
    let mut block: Option<(String, String)> = None;
    for line in document.split_inclusive('\n') {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut block, fence) {
            (None, Some(info)) => {
                let language = info.split_whitespace().next().unwrap_or_default();
                block = Some((language.to_owned(), String::new()));
            }
            (None, None) => sentences += line,
            (Some(_), Some(_)) => blocks.extend(block.take()),
            (Some((_, text)), None) => *text += line,
        }
    }
    (blocks, sentences)
}

/// Returns the commands of a block.
fn commands(language: &str, text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let lines: Vec<&str> = match language {
        "console" => lines.filter_map(|line| line.strip_prefix("$ ")).collect(),
        "sh" | "bash" => lines.collect(),
        "csv" | "json" | "sql" | "text" | "toml" => Vec::new(),
        _ => panic!("a block has the unknown language `{language}`"),
    };
    let commands = lines.iter().flat_map(|line| line.split(" && "));
    let is_command = |line: &&str| {
        let is_syntax = line.starts_with("for ") || *line == "done";
        !line.is_empty() && !line.starts_with('#') && !is_syntax
    };
    commands.filter(is_command).map(str::to_owned).collect()
}

/// Returns the commands that sentences quote.
fn commands_in(sentences: &str) -> Vec<String> {
    let is_command = |text: &String| {
        let (program, has_arguments) = match text.split_once(' ') {
            Some((program, _)) => (program, true),
            None => (text.as_str(), text == ".ci/run"),
        };
        has_arguments && PROGRAMS.contains(&program)
    };
    quoted(sentences).into_iter().filter(is_command).collect()
}

/// Returns the texts between backticks, each on one line.
fn quoted(sentences: &str) -> Vec<String> {
    let texts = sentences.split('`').skip(1).step_by(2);
    texts
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// Returns `true` if a line after an empty one is indented as Markdown indents code.
fn has_indented_code(sentences: &str) -> bool {
    let lines: Vec<&str> = sentences.lines().collect();
    lines
        .windows(2)
        .any(|pair| pair[0].is_empty() && pair[1].starts_with("    "))
}

/// Returns the words of a command from its program on: without variables and `/usr/bin/time`.
fn command_words(command: &str) -> Vec<String> {
    let placeholder = Regex::new("<[^>]*>").unwrap();
    let variable = Regex::new("^[A-Z_]+=").unwrap();
    let words = words(&placeholder.replace_all(command, "PLACEHOLDER"));
    let is_before = |word: &String| variable.is_match(word) || word == "/usr/bin/time";
    words.into_iter().skip_while(is_before).collect()
}

/// Returns the longest entry of `NOT_RUN` that matches a command.
fn not_run(command: &[String]) -> Option<&'static str> {
    let entries = NOT_RUN.iter().map(|(entry, _)| *entry);
    let matching = entries.filter(|entry| {
        let words: Vec<&str> = entry.split(' ').collect();
        command.len() >= words.len() && words.iter().zip(command).all(|(word, of)| word == of)
    });
    matching.max_by_key(|entry| entry.len())
}

/// Checks that the files, packages, targets, steps, recipes, verbs and flags in a command exist, and describes one that
/// does not.
fn missing_name(command: &[String]) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for word in command {
        let path = word.trim_start_matches("$(").trim_end_matches(')');
        let folder = path.split_once('/').map(|(folder, _)| folder);
        let is_ours = folder.is_some_and(|folder| {
            [".ci", "benches", "docs", "statemachine", "tests"].contains(&folder)
        });
        if is_ours && !root.join(path).exists() {
            return Some(format!("there is no file `{path}`"));
        }
    }
    let (program, arguments) = command.split_first()?;
    match program.as_str() {
        ".ci/run" => missing_step(arguments),
        "cargo" => missing_in_cargo(arguments),
        "drivetrain" | "target/release/drivetrain" => missing_in_help(arguments),
        "just" => {
            let recipe = arguments.first()?;
            let justfile = read("justfile");
            let mut lines = justfile.lines();
            let begins = |line: &str| line.split([' ', ':']).next() == Some(recipe);
            (!lines.any(begins)).then(|| format!("the justfile has no recipe `{recipe}`"))
        }
        _ => None,
    }
}

/// Describes a step of `.ci/run` that does not exist.
fn missing_step(named: &[String]) -> Option<String> {
    let script = read(".ci/run");
    let steps = script
        .lines()
        .find_map(|line| line.strip_prefix("steps=(")?.strip_suffix(')'))
        .expect("`.ci/run` lists its steps");
    let steps: Vec<&str> = steps.split(' ').collect();
    let unknown = named.iter().find(|step| !steps.contains(&step.as_str()))?;
    Some(format!("`.ci/run` has no step `{unknown}`"))
}

/// Describes a package, a target or a flag in a command of Cargo that does not exist.
fn missing_in_cargo(arguments: &[String]) -> Option<String> {
    let (arguments, of_target) = match arguments.iter().position(|word| word == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (arguments, &[][..]),
    };
    let values_of = |flag: &str| -> Vec<&String> {
        let pairs = arguments.windows(2).filter(|pair| pair[0] == flag);
        pairs.map(|pair| &pair[1]).collect()
    };
    let manifest = values_of("--manifest-path").first().copied();
    let fuzzed = arguments.iter().skip_while(|word| *word != "fuzz").nth(2);
    let folder = if let Some(manifest) = manifest {
        manifest.trim_end_matches("Cargo.toml")
    } else if let Some(package) = values_of("-p").first() {
        let line = format!("[package]\nname = \"{package}\"\n");
        let members = ["", "bootstrap/", "jobs/", "runner/", "statemachine/"];
        let is_it = |member: &&str| read(&format!("{member}Cargo.toml")).contains(&line);
        match members.into_iter().find(is_it) {
            Some(member) => member,
            None => return Some(format!("there is no package `{package}`")),
        }
    } else if fuzzed.is_some() {
        "statemachine/fuzz/"
    } else {
        ""
    };
    let text = read(&format!("{folder}Cargo.toml"));
    let targets = [
        ("bench", values_of("--bench")),
        ("test", values_of("--test")),
        ("bin", fuzzed.into_iter().collect()),
    ];
    for (kind, names) in targets {
        for name in names {
            if !text.contains(&format!("[[{kind}]]\nname = \"{name}\"\n")) {
                return Some(format!("`{folder}Cargo.toml` has no {kind} `{name}`"));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = values_of("--example");
    let files = examples
        .iter()
        .map(|name| format!("{folder}examples/{name}.rs"));
    // The command of a fuzz target is for the folder above its package.
    let seeds = arguments
        .iter()
        .filter(|word| word.starts_with("fuzz/seeds/"));
    let mut files = files.chain(seeds.map(|seeds| format!("statemachine/{seeds}")));
    if let Some(missing) = files.find(|file| !root.join(file).exists()) {
        return Some(format!("there is no file `{missing}`"));
    }
    if arguments.first().is_none_or(|verb| verb != "run") || of_target.is_empty() {
        return None;
    }
    if manifest.is_none() {
        return missing_in_help(of_target);
    }
    let main = read(&format!("{folder}src/main.rs"));
    let mut flags = of_target.iter().filter(|word| word.starts_with("--"));
    let unknown = flags.find(|flag| !main.contains(&format!("\"{flag}\"")))?;
    Some(format!("`{folder}src/main.rs` has no flag `{unknown}`"))
}

/// Describes a verb or a flag of `drivetrain` that its help does not list.
fn missing_in_help(arguments: &[String]) -> Option<String> {
    let name = |verb: &[&str]| [&["drivetrain"], verb].concat().join(" ");
    let sandbox = Sandbox::new();
    let mut verb: Vec<&str> = Vec::new();
    let help = loop {
        let words: Vec<&str> = verb.iter().copied().chain(["--help"]).collect();
        let help = sandbox.run_words(&words).succeeds().stdout.clone();
        let Some((_, verbs)) = help.split_once("\nCommands:\n") else {
            break help;
        };
        let mut verbs = verbs.lines().take_while(|line| !line.is_empty());
        let next = arguments.get(verb.len()).map_or("", String::as_str);
        let begins = |line: &str| line.starts_with("  ") && line.split(' ').nth(2) == Some(next);
        if next.is_empty() || !verbs.any(begins) {
            return Some(format!("`{}` has no verb `{next}`", name(&verb)));
        }
        verb.push(next);
    };
    let flag = Regex::new(r"(?m)^ +(?:-\w, )?(--[a-z0-9-]+)").unwrap();
    let flags: Vec<&str> = flag
        .captures_iter(&help)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    let mut given = arguments.iter().filter(|word| word.starts_with("--"));
    let unknown = given.find(|word| {
        let name = word.split('=').next().unwrap();
        !flags.contains(&name)
    })?;
    let verb = name(&verb);
    Some(format!("the help of `{verb}` does not list `{unknown}`"))
}
