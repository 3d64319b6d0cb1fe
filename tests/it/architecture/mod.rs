//! The structure of the code: which crate may use which, which room (top-level module) of the runner may use which, and
//! how large circles of files may be.

mod module_graph;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use module_graph::{Graph, circles, module_graph};

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Rooms (top-level modules) of `runner/src`, from the lowest floor to the highest. A room may use itself and the
/// floors below it, but not the other rooms of its floor.
const FLOORS: &[&[&str]] = &[
    &["error"],
    &["report"],
    &["watch"],
    &["store"],
    &["commit"],
    &["sql"],
    &["source", "sink"],
    &["job"],
    &["callback", "catalog"],
    &["run"],
    &["supervise"],
    &["machines"],
    &["commands"],
    &["app"],
];

/// Rooms beside the floors, each with the rooms that it may use and those that may use it.
const ASIDE: &[(&str, &[&str], &[&str])] = &[
    (
        "generate",
        &["error", "report", "watch", "store"],
        &["commands"],
    ),
    (
        "terminal",
        &["error", "report", "watch", "store"],
        &["machines", "cli", "commands", "app"],
    ),
    (
        "cli",
        &[
            "error",
            "report",
            "watch",
            "store",
            "commit",
            "sql",
            "source",
            "sink",
            "job",
            "callback",
            "catalog",
            "run",
            "supervise",
            "machines",
            "terminal",
        ],
        &["commands", "app"],
    ),
];

/// Rooms that a room must not reach, not even through others, with the reason.
const NEVER: &[(&str, &[&str], &str)] = &[(
    "machines",
    &["commit", "source", "sink", "run"],
    "a simulation reads and writes no table",
)];

/// Number of files in the largest circle of files that use each other, by crate.
const LARGEST_CIRCLE: &[(&str, usize)] = &[
    ("bootstrap", 0),
    ("jobs", 0),
    ("runner", 3),
    ("statemachine", 7),
];

/// Texts that only some files of `runner/src` may contain outside of comments and tests, with the reason.
const ONLY_IN: &[(&str, &[&str], &str)] = &[
    ("clap", &["cli/"], "only the command line knows flags"),
    (
        "std::env::",
        &["cli/", "store/aws_sdk.rs"],
        "settings are arguments; those of AWS services are the AWS SDK's",
    ),
    (
        "aws_config::",
        &["store/aws_sdk.rs", "store/s3.rs"],
        "the store knows the AWS SDK's settings",
    ),
    (
        "aws_sdk_sfn",
        &["callback/step_functions.rs"],
        "one file knows the API of Step Functions",
    ),
    (
        "\"_drivetrain",
        &["commit/layout.rs"],
        "one file spells the keys of the commit protocol",
    ),
    ("row_path::", &["run/outcome.rs"], "a run ends in one place"),
    (
        "waiter.ended(",
        &["run/outcome.rs"],
        "a waiter hears of the end of a run once",
    ),
];

fn sources(member: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(member)
        .join("src")
}

fn room(file: &str) -> &str {
    file.split("::").next().unwrap_or_default()
}

/// Returns the pairs of rooms of which the first uses the second, each with an example.
fn rooms(graph: &Graph) -> BTreeMap<(&str, &str), String> {
    let mut rooms = BTreeMap::new();
    for (file, used) in graph {
        for other in used {
            let (from, to) = (room(file), room(other));
            // The crate root only lists its rooms.
            if from != to && !from.is_empty() && !to.is_empty() {
                rooms
                    .entry((from, to))
                    .or_insert_with(|| format!("{file} uses {other}"));
            }
        }
    }
    rooms
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

fn may_see(from: &str, to: &str) -> bool {
    if let Some((_, sees, _)) = ASIDE.iter().find(|(name, ..)| *name == from) {
        return sees.contains(&to);
    }
    if let Some((.., seen_by)) = ASIDE.iter().find(|(name, ..)| *name == to) {
        return seen_by.contains(&from);
    }
    matches!((floor(from), floor(to)), (Some(from), Some(to)) if to < from)
}

#[test]
fn rooms_of_the_runner_see_only_what_lies_below_them() {
    let graph = module_graph(&sources("runner"));
    let wrong: Vec<String> = rooms(&graph)
        .into_iter()
        .filter(|((from, to), _)| *from != "main" && !may_see(from, to))
        .map(|((from, to), example)| format!("{from} must not see {to}: {example}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_of_the_runner_has_its_place_in_the_law() {
    let graph = module_graph(&sources("runner"));
    let known: BTreeSet<&str> = FLOORS
        .iter()
        .flat_map(|floor| floor.iter())
        .copied()
        .chain(ASIDE.iter().map(|(name, ..)| *name))
        .collect();
    let found: BTreeSet<&str> = graph
        .keys()
        .map(|file| room(file))
        .filter(|room| !["", "main"].contains(room))
        .collect();
    assert_eq!(found, known);
}

#[test]
fn some_rooms_are_out_of_reach_also_through_others() {
    let graph = module_graph(&sources("runner"));
    let arrows = rooms(&graph);
    let by_room = arrows.keys().fold(Graph::new(), |mut graph, (from, to)| {
        graph
            .entry((*from).to_owned())
            .or_default()
            .insert((*to).to_owned());
        graph
    });
    for (from, never, reason) in NEVER {
        let reached = module_graph::reachable(&by_room, from);
        for room in *never {
            assert!(
                !reached.contains(*room),
                "{from} reaches {room}, and {reason}"
            );
        }
    }
}

#[test]
fn circles_of_files_stay_small() {
    for (member, most) in LARGEST_CIRCLE {
        let graph = module_graph(&sources(member));
        let largest = circles(&graph).into_iter().next().unwrap_or_default();
        assert!(
            largest.len() <= *most,
            "{} files of {member} use each other in a circle: {largest:?}",
            largest.len()
        );
    }
}

/// Returns the files of a crate with their code: without comment lines, and without the tests at the end of a file.
fn code(member: &str) -> BTreeMap<String, String> {
    let root = sources(member);
    let files = module_graph::rust_files(&root);
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            let text = text.split("mod tests {").next().unwrap();
            let lines = text.lines().filter(|line| !line.trim().starts_with("//"));
            (name, lines.collect::<Vec<_>>().join("\n"))
        })
        .filter(|(name, _)| !name.contains("tests/") && !name.ends_with("tests.rs"))
        .collect()
}

#[test]
fn some_words_occur_in_few_files_only() {
    let files = code("runner");
    for (text, allowed, reason) in ONLY_IN {
        let found: Vec<&String> = files
            .iter()
            .filter(|(_, code)| code.contains(text))
            .map(|(name, _)| name)
            .collect();
        let is_allowed = |name: &str| allowed.iter().any(|prefix| name.starts_with(prefix));
        let wrong: Vec<_> = found.iter().filter(|name| !is_allowed(name)).collect();
        assert!(wrong.is_empty(), "`{text}` in {wrong:?}: {reason}");
        assert!(!found.is_empty(), "`{text}` is in no file any more");
    }
}

#[test]
fn no_file_imports_all_of_a_module() {
    // The graph does not follow such imports, except where they are re-exported.
    for member in ["bootstrap", "jobs", "runner", "statemachine"] {
        for (name, code) in code(member) {
            let glob = code.lines().find(|line| {
                line.trim_start().starts_with("use ") && line.trim_end().ends_with("::*;")
            });
            assert_eq!(glob, None, "{member}/src/{name}");
        }
    }
}

#[test]
fn a_path_is_followed_however_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod a; mod b; mod facade; mod c;");
    write("a.rs", "use crate::facade::Thing; fn f(_: Thing) {}");
    write("b.rs", "fn f() { crate::facade::inner::made(); }");
    write(
        "c.rs",
        "fn f() { println!(\"{}\", crate::b::NAME); } #[cfg(test)] mod tests { use crate::a::f; }",
    );
    write(
        "facade/mod.rs",
        "pub mod inner; mod other; pub use other::*;",
    );
    write("facade/inner.rs", "pub fn made() { super::other::Thing; }");
    write("facade/other.rs", "pub struct Thing; use crate::c;");
    let graph = module_graph(folder.path());
    let used = |file: &str| graph[file].iter().cloned().collect::<Vec<_>>();
    assert_eq!(used("a"), ["facade::other"]);
    assert_eq!(used("b"), ["facade::inner"]);
    assert_eq!(used("facade::inner"), ["facade::other"]);
    assert_eq!(used("c"), Vec::<String>::new(), "`b` has no NAME");
    assert_eq!(circles(&graph), Vec::<BTreeSet<String>>::new());
    write(
        "b.rs",
        "pub const NAME: &str = \"\"; fn f() { crate::facade::inner::made(); crate::c::f(); }",
    );
    let graph = module_graph(folder.path());
    assert_eq!(graph["c"].iter().collect::<Vec<_>>(), ["b"]);
    assert_eq!(
        circles(&graph),
        [BTreeSet::from(["b".to_owned(), "c".to_owned()])]
    );
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
