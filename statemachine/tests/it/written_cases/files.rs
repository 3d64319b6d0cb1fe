//! Reads the files of written cases, and rejects cases that could not fail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use drivetrain_statemachine::duplicate_keys;
use serde_json::Value;

use super::case::{Case, CaseFile};

/// The folders below `tests/cases`, one per subject.
pub const FOLDERS: [&str; 14] = [
    "choice",
    "fail_succeed",
    "intrinsics",
    "jsonata",
    "map",
    "parallel",
    "paths",
    "retry_catch",
    "size_limits",
    "task",
    "test_state",
    "validation",
    "variables",
    "wait",
];

/// The ways in which a `source` may begin; a section, a date or a rule follows. Jayway is one because AWS evaluates
/// paths as it does. AWS ran none of these cases: a derived case applies a rule that recordings of other inputs showed,
/// and an expectation by analogy has no recording of AWS behind it.
const SOURCES: [&str; 6] = [
    "ASL specification, ",
    "AWS Step Functions documentation, ",
    "JSONata documentation, ",
    "Jayway JsonPath documentation, ",
    "derived from recorded behavior of AWS, ",
    "expected by analogy with ",
];

/// Cases by folder.
pub type Cases = BTreeMap<String, Vec<Case>>;

/// Reads every case.
///
/// # Errors
/// Every problem of the files, each with its file and case.
pub fn read() -> Result<Cases, Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut problems = Vec::new();
    let mut files = Vec::new();
    for folder in entries(&root) {
        let name = name_of(&folder);
        if !FOLDERS.contains(&name.as_str()) {
            problems.push(format!("`{name}` is not a folder of written cases"));
            continue;
        }
        for file in entries(&folder) {
            let text = std::fs::read_to_string(&file)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            files.push((name.clone(), name_of(&file), text));
        }
    }
    let (cases, mut found) = parse(&files);
    problems.append(&mut found);
    if problems.is_empty() {
        Ok(cases)
    } else {
        Err(problems)
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = read.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// Parses files, given as folder, name and text, and lists every problem.
fn parse(files: &[(String, String, String)]) -> (Cases, Vec<String>) {
    let mut cases: Cases = FOLDERS
        .iter()
        .map(|folder| ((*folder).to_owned(), Vec::new()))
        .collect();
    let mut problems = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (folder, name, text) in files {
        let file = format!("{folder}/{name}");
        for duplicate in duplicate_keys(text) {
            problems.push(format!("{file}: {duplicate}"));
        }
        let parsed = match serde_json::from_str::<CaseFile>(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                problems.push(format!("{file}: {error}"));
                continue;
            }
        };
        if parsed.about.trim().is_empty() || parsed.cases.is_empty() {
            problems.push(format!(
                "{file}: a file needs `about` and at least one case"
            ));
        }
        for case in parsed.cases {
            let place = format!("{file}: `{}`", case.name);
            problems.extend(case.problems().map(|problem| format!("{place}: {problem}")));
            if !SOURCES
                .iter()
                .any(|prefix| case.source.len() > prefix.len() && case.source.starts_with(prefix))
            {
                problems.push(format!("{place}: `source` begins with none of {SOURCES:?}"));
            }
            if let Some(other) = names.insert(case.name.clone(), file.clone()) {
                problems.push(format!("{place}: `{other}` has a case with the same name"));
            }
            cases
                .get_mut(folder)
                .expect("the folder is one of the list")
                .push(case);
        }
    }
    for (folder, cases) in &cases {
        if cases.is_empty() {
            problems.push(format!("the folder `{folder}` has no cases"));
        }
    }
    (cases, problems)
}

/// Lists the problems of one file in the folder `paths`, without those of the other folders.
fn problems_of(cases: &Value) -> Vec<String> {
    let text = serde_json::json!({"about": "paths", "cases": cases}).to_string();
    let file = ("paths".to_owned(), "one.json".to_owned(), text);
    let (_, problems) = parse(&[file]);
    let others = |problem: &String| !problem.starts_with("the folder ");
    problems.into_iter().filter(others).collect()
}

#[test]
fn written_cases_that_cannot_fail_are_refused() {
    let good = serde_json::json!({
        "name": "a", "source": "ASL specification, Pass State",
        "state": {"Type": "Pass", "End": true}, "expect": {"output": {}},
    });
    let changed = |change: fn(&mut Value)| {
        let mut case = good.clone();
        change(&mut case);
        problems_of(&Value::Array(vec![case])).join("\n")
    };
    assert_eq!(changed(|_| {}), "");
    for (change, problem) in [
        (
            (|case| drop(case.as_object_mut().unwrap().remove("source"))) as fn(&mut Value),
            "missing field `source`",
        ),
        (|case| case["source"] = "hearsay".into(), "`source` begins"),
        (|case| case["inputs"] = 1.into(), "unknown field `inputs`"),
        (
            |case| case["expect"]["outputs"] = 1.into(),
            "unknown field `outputs`",
        ),
        (
            |case| case["expect"] = serde_json::json!({"seconds": 0.0}),
            "expects no end",
        ),
        (
            |case| case["expect"]["error"] = "E".into(),
            "expects more than one end",
        ),
        (
            |case| case["expect"] = serde_json::json!({"error": "E"}),
            "without a cause",
        ),
        (|case| case["rule"] = 1.into(), "exactly one of"),
        (
            |case| case["expect"]["warnings"] = serde_json::json!([{"code": "NO_OUTPUT"}]),
            "for definitions only",
        ),
        (
            |case| {
                case["definition"] = case.as_object_mut().unwrap().remove("state").unwrap();
                case["expect"] = serde_json::json!({"errors": [], "seconds": 1.0});
            },
            "for executions only",
        ),
        (
            |case| {
                case["request"] = case.as_object_mut().unwrap().remove("state").unwrap();
                case["expect"] = serde_json::json!(
                    {"refused": {"code": "ValidationException", "message_contains": ""}}
                );
            },
            "every message contains",
        ),
        (
            |case| case["tasks"] = serde_json::json!({"A": [{"return": 1, "after": 2}]}),
            "unknown field `after`",
        ),
        (
            |case| case["tasks"] = serde_json::json!({"A": [{"after_seconds": 2}]}),
            "no variant of enum AnswerEnd",
        ),
    ] {
        let problems = changed(change);
        assert!(problems.contains(problem), "{problems}");
    }
    let twice = problems_of(&Value::Array(vec![good.clone(), good])).join("\n");
    assert!(twice.contains("the same name"), "{twice}");
    let (_, empty) = parse(&[]);
    assert_eq!(empty.len(), FOLDERS.len());
}
