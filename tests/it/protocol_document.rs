//! Checks that the document of the commit protocol and the model have the same steps: `docs/commit-protocol.md` and
//! `docs/model/src`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Numbers of steps.
type Names = BTreeSet<String>;

/// Names of mutants, each with the invariant that it breaks; `None` for a harmless one.
type BreaksOf = BTreeMap<String, Option<String>>;

fn document() -> String {
    fs::read_to_string(docs().join("commit-protocol.md")).unwrap()
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// Returns the text of each source file of the model.
fn model() -> Vec<String> {
    let (mut folders, mut texts) = (vec![docs().join("model/src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}

/// Returns the step number with which a text begins: digits, a dot, digits.
fn number(text: &str) -> Option<&str> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let end = text.find(|c| !is_number(c)).unwrap_or(text.len());
    let (step, substep) = text[..end].split_once('.')?;
    let parts = [step, substep];
    let is_step = parts.iter().all(|part| part.parse::<u32>().is_ok());
    is_step.then_some(&text[..end])
}

/// Returns the step numbers of the lines that begin with `prefix` and a number.
fn numbers<'a>(lines: impl Iterator<Item = &'a str>, prefix: &str) -> Vec<String> {
    let after = lines.filter_map(|line| line.trim_start().strip_prefix(prefix));
    after.filter_map(number).map(str::to_owned).collect()
}

/// Returns the numbers of the document's steps, in order.
fn steps(document: &str) -> Vec<String> {
    numbers(document.lines(), "- **")
}

/// Returns the numbers of the steps that are not in the model, according to the document.
fn not_modeled(document: &str) -> Names {
    let (_, table) = document
        .split_once("| step | not modeled, because |")
        .expect("the document lists what the model leaves out");
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|') || line.is_empty());
    numbers(rows, "| ").into_iter().collect()
}

/// Returns the numbers of the model's steps, from `Step::number`.
fn modeled(model: &[String]) -> Names {
    let lines = model.iter().flat_map(|text| text.lines());
    let given = lines.filter_map(|line| line.split_once("=> \""));
    let given = given.filter_map(|(_, text)| number(text));
    given.map(str::to_owned).collect()
}

#[test]
fn every_step_of_the_document_is_in_the_model_or_listed_as_not_modeled() {
    let document = document();
    let steps: Names = steps(&document).into_iter().collect();
    let (modeled, not_modeled) = (modeled(&model()), not_modeled(&document));
    assert!(modeled.len() > 20, "{modeled:?}");
    let both: Vec<_> = modeled.intersection(&not_modeled).collect();
    assert!(
        both.is_empty(),
        "in the model, and said not to be: {both:?}"
    );
    let covered: Names = modeled.union(&not_modeled).cloned().collect();
    let missing: Vec<_> = steps.difference(&covered).collect();
    assert!(missing.is_empty(), "in the document only: {missing:?}");
    let unknown: Vec<_> = covered.difference(&steps).collect();
    assert!(unknown.is_empty(), "not in the document: {unknown:?}");
}

#[test]
fn the_steps_of_the_document_are_numbered_without_gaps() {
    let document = document();
    let (mut step, mut substep) = (0, 0);
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            step += 1;
            substep = 0;
            assert!(heading.starts_with(&format!("{step} ")), "{line}");
        }
        for found in numbers(std::iter::once(line), "- **") {
            substep += 1;
            assert_eq!(found, format!("{step}.{substep}"));
        }
    }
    assert_eq!(step, 9);
}

#[test]
fn the_comment_of_each_step_of_the_model_has_its_number() {
    let model = model();
    let lines = model.iter().flat_map(|text| text.lines());
    let documented = lines.filter_map(|line| line.trim_start().strip_prefix("/// "));
    let documented: Names = documented
        .filter(|line| number(line).is_some_and(|found| line[found.len()..].starts_with(':')))
        .filter_map(number)
        .map(str::to_owned)
        .collect();
    assert_eq!(documented, modeled(&model));
}

/// Returns the name, a word of letters and digits, with which a text begins.
fn name(text: &str) -> String {
    let is_name = |c: &char| c.is_ascii_alphanumeric();
    text.chars().take_while(is_name).collect()
}

/// Returns each mutant of the model, from `Mutant::ALL`, with the invariant that must catch it.
fn mutants(model: &[String]) -> BreaksOf {
    let (_, list) = model
        .iter()
        .find_map(|text| text.split_once("pub const ALL: [(Self,"))
        .expect("the model lists its mutants");
    let entries = list.split("Self::").skip(1).map(|entry| {
        let invariant = entry.split_once("Invariant::");
        (name(entry), invariant.map(|(_, text)| name(text)))
    });
    entries.collect()
}

/// Returns each mutant of the document's table with the invariant that its last column names.
fn described_mutants(document: &str) -> BreaksOf {
    let rows = document.lines().filter(|line| line.starts_with("| "));
    let described = rows.filter_map(|row| {
        let [_, mutant, breaks] = row.split(" | ").collect::<Vec<_>>()[..] else {
            return None;
        };
        let mutant = mutant.strip_prefix('`')?.strip_suffix('`')?;
        let invariant = match breaks.strip_prefix('`') {
            Some(text) => Some(name(text)),
            None if breaks.starts_with("nothing: ") => None,
            None => panic!("`{mutant}` names no invariant: {breaks}"),
        };
        Some((mutant.to_owned(), invariant))
    });
    described.collect()
}

#[test]
fn the_document_says_what_each_mutant_breaks() {
    let mutants = mutants(&model());
    assert!(mutants.len() > 20, "{mutants:?}");
    assert_eq!(described_mutants(&document()), mutants);
}
