//! `drivetrain test`: runs the test cases of state machines.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use drivetrain_statemachine::trace::{Coverage, Unreached};
use drivetrain_statemachine::{Machine, MachineType};
use serde::Serialize;

use crate::cli::TestArgs;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::machines::case::difference::Difference;
use crate::machines::case::file::{Case, SUFFIX};
use crate::machines::case::junit::{Reported, junit};
use crate::machines::case::runner::{JudgedCase, run_all};
use crate::machines::definition_cache::{MachineFiles, identity};
use crate::machines::discovery::{Targets, files_below};
use crate::machines::findings::finding::{counted, plural};
use crate::machines::findings::table::Diagnostics;
use crate::sql::threads::processors;
use crate::terminal::printer::{Answer, ToText, Verdict};

/// Explanation of what a case file is, for hints.
const CASE_FORMAT: &str =
    "a case is a file `<machine>.<name>.case.json` beside `<machine>.asl.json`";

/// Runs one case, or all cases in a folder, and reports the differences and the parts of machines that no case reached.
///
/// # Errors
/// `InputMissing` if the path does not exist; `Usage` if it is not a case or contains none.
pub fn test(args: &TestArgs) -> Result<Answer> {
    if let Some(path) = &args.junit {
        remove_earlier_report(path)?;
    }
    let mut files = MachineFiles::default();
    let cases = cases(&args.path, &mut files)?;
    let untested = untested(&args.path, &cases, &mut files)?;
    let findings = files.findings.take();
    if !findings.is_empty() {
        let counted = counted(&findings);
        return Ok(Answer::asked(Diagnostics::of(findings))
            .verdict(Verdict::Invalid)
            .complaint(format!(
                "no case was run, because the cases and definitions have {counted}"
            )));
    }
    let threads = NonZeroUsize::new(processors()).unwrap_or(NonZeroUsize::MIN);
    let judged = run_all(&cases, threads)?;
    if let Some(path) = &args.junit {
        let text = junit(&reported(&cases, &judged));
        std::fs::write(path, text).context(
            ErrorKind::Failed,
            format!("cannot write `{}`", path.display()),
        )?;
    }
    let tested = Tested::of(&cases, &judged, &untested);
    let verdict = match tested.failed {
        0 => Verdict::Passed,
        _ => Verdict::Failed,
    };
    Ok(Answer::asked(tested).verdict(verdict))
}

/// Removes the report of an earlier test, which could be mistaken for a new one if no case can run.
///
/// # Errors
/// `Usage` for an existing JSON file, which is not a report but a definition or a case; `Failed` if the file cannot be
/// removed.
fn remove_earlier_report(report: &Path) -> Result<()> {
    let shown = report.display();
    let is_json = report.extension().is_some_and(|ending| ending == "json");
    if report.exists() && is_json {
        let error = Error::new(
            ErrorKind::Usage,
            format!("`--junit` would overwrite the JSON file `{shown}`"),
        );
        return Err(error.hint("name an XML file, such as `report.xml`"));
    }
    // A device such as `/dev/null` is not a report of an earlier test.
    if report.metadata().is_ok_and(|found| !found.is_file()) {
        return Ok(());
    }
    match std::fs::remove_file(report) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context(
            ErrorKind::Failed,
            format!("cannot remove the old report `{shown}`"),
        ),
        _ => Ok(()),
    }
}

/// Reads the cases, and sorts them so that cases of the same definition are adjacent.
///
/// # Errors
/// As [`test()`].
fn cases(path: &Path, files: &mut MachineFiles) -> Result<Vec<Case>> {
    let shown = path.display();
    let found = if path.is_file() {
        if !path.to_string_lossy().ends_with(SUFFIX) {
            let error = Error::new(ErrorKind::Usage, format!("`{shown}` is not a test case"));
            return Err(error.hint(format!(
                "{CASE_FORMAT}; name such a file, or a folder that contains some"
            )));
        }
        vec![path.to_owned()]
    } else if path.is_dir() {
        let mut found = files_below(path)?;
        found.retain(|file| file.to_string_lossy().ends_with(SUFFIX));
        found
    } else {
        return Err(Error::new(
            ErrorKind::InputMissing,
            format!("there is no file or folder `{shown}`"),
        )
        .hint(format!(
            "{CASE_FORMAT}; name such a file, or a folder that contains some"
        )));
    };
    if found.is_empty() {
        return Err(
            Error::new(ErrorKind::Usage, format!("`{shown}` contains no test case")).hint(format!(
                "{CASE_FORMAT}; `drivetrain mocks --from-history history.json --format case` creates one"
            )),
        );
    }
    let mut cases: Vec<Case> = found
        .iter()
        .filter_map(|file| Case::read(file, files))
        .collect();
    cases.sort_by(|a, b| (&a.definition, &a.name).cmp(&(&b.definition, &b.name)));
    Ok(cases)
}

/// Returns the valid definitions in a folder and its subfolders that have no case.
fn untested(
    path: &Path,
    cases: &[Case],
    files: &mut MachineFiles,
) -> Result<Vec<(PathBuf, Machine)>> {
    if !path.is_dir() {
        return Ok(Vec::new());
    }
    let tested: Vec<PathBuf> = cases
        .iter()
        .map(|case| identity(&case.definition))
        .collect();
    let machines = Targets::below(path)?.machines.into_iter();
    Ok(machines
        .filter(|definition| !tested.contains(&identity(definition)))
        .filter_map(|definition| {
            let machine = files.machine(&definition, MachineType::Standard)?;
            Some((definition, machine))
        })
        .collect())
}

/// Pairs the cases with their results, for the JUnit report.
fn reported<'a>(cases: &'a [Case], judged: &'a [JudgedCase]) -> Vec<Reported<'a>> {
    let pairs = cases.iter().zip(judged);
    pairs
        .map(|(case, judged)| Reported {
            machine: case.definition.to_str().unwrap_or_default(),
            name: &case.name,
            took: judged.took,
            differences: &judged.differences,
        })
        .collect()
}

/// Answer of `test`: the results of the cases and the coverage of the machines.
#[derive(Serialize)]
struct Tested {
    /// The number of cases that passed.
    passed: usize,
    /// The number of cases that failed.
    failed: usize,
    /// Results of the cases, sorted by definition and name.
    cases: Vec<TestedCase>,
    /// Coverage per machine, sorted by path; machines without cases are included.
    coverage: Vec<Reached>,
}

/// Result of one case, as the answer shows it.
#[derive(Serialize)]
struct TestedCase {
    /// Name of the case.
    name: String,
    /// Path of the case file.
    file: String,
    /// Path of the definition.
    machine: String,
    /// `true` if the result has no differences.
    passed: bool,
    /// Wall-clock time that the case took, in seconds with at most six decimals.
    seconds: f64,
    /// Differences between the expected and the actual result; empty if the case passed.
    differences: Vec<Difference>,
}

/// Coverage of one machine by its cases.
#[derive(Serialize)]
struct Reached {
    /// Path of the definition.
    machine: String,
    /// The number of the machine's cases.
    cases: usize,
    /// The number of the machine's states.
    states: usize,
    /// The number of states that at least one case entered.
    #[serde(rename = "states_reached")]
    entered: usize,
    /// The states, choices, retriers and catchers that no case reached; empty if the machine has no case.
    unreached: Vec<UnreachedPart>,
}

/// A state, choice, retrier or catcher of a machine that no case reached.
#[derive(Serialize)]
struct UnreachedPart {
    /// Kind of the part: `state`, `catch`, `retry`, `choice` or `default`.
    kind: &'static str,
    /// Name of the state, or of the state that has the catcher, retrier or choice.
    state: String,
    /// Index of the catcher, retrier or choice, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// Names of the errors that the catcher or retrier handles.
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<Vec<String>>,
    /// Name of the state to which the choice or default leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Tested {
    /// Creates the answer from the cases, their results, and the machines without cases.
    fn of(cases: &[Case], judged: &[JudgedCase], untested: &[(PathBuf, Machine)]) -> Self {
        let mut coverage: BTreeMap<String, (Coverage, usize)> = BTreeMap::new();
        for (definition, machine) in untested {
            let name = definition.display().to_string();
            coverage.insert(name, (Coverage::of(machine), 0));
        }
        let mut tested = Vec::new();
        for (case, judged) in cases.iter().zip(judged) {
            let machine = case.definition.display().to_string();
            let (reached, count) = coverage
                .entry(machine.clone())
                .or_insert_with(|| (Coverage::of(&case.machine), 0));
            reached.add(judged.facts.clone());
            *count += 1;
            tested.push(TestedCase {
                name: case.name.clone(),
                file: case.path.display().to_string(),
                machine,
                passed: judged.differences.is_empty(),
                seconds: rounded(judged.took),
                differences: judged.differences.clone(),
            });
        }
        let passed = tested.iter().filter(|case| case.passed).count();
        Self {
            passed,
            failed: tested.len() - passed,
            cases: tested,
            coverage: coverage
                .into_iter()
                .map(|(machine, (coverage, cases))| Reached::of(machine, cases, &coverage))
                .collect(),
        }
    }
}

impl ToText for Tested {
    fn text(&self) -> String {
        let mut text = String::new();
        for case in &self.cases {
            let word = if case.passed { "ok    " } else { "FAILED" };
            text += &format!("{word}  {}\n", case.name);
            if !case.passed {
                text += &format!("        {}\n", case.file);
            }
            for one in &case.differences {
                text += &format!("        {}\n", one.what);
                text += &format!("          expected  {}\n", one.expected);
                text += &format!("          got       {}\n", one.got);
            }
        }
        text += "\n";
        for reached in &self.coverage {
            text += &reached.text();
        }
        let failed = match self.failed {
            0 => String::new(),
            count => format!(", {count} FAILED"),
        };
        text + &format!(
            "{}: {} passed{failed}\n",
            plural(self.cases.len(), "case"),
            self.passed
        )
    }
}

impl Reached {
    /// Creates the coverage of one machine. Without cases, no part is listed as unreached.
    fn of(machine: String, cases: usize, coverage: &Coverage) -> Self {
        let (states, entered) = coverage.states();
        let unreached = if cases == 0 {
            Vec::new()
        } else {
            coverage
                .unreached()
                .into_iter()
                .filter_map(UnreachedPart::of)
                .collect()
        };
        Self {
            machine,
            cases,
            states,
            entered,
            unreached,
        }
    }

    /// Formats the coverage as one line, and one more line per unreached part.
    fn text(&self) -> String {
        let Self { machine, cases, .. } = self;
        if *cases == 0 {
            return format!("{machine}: no case\n");
        }
        let mut text = format!(
            "{machine}: {} of {} reached\n",
            self.entered,
            plural(self.states, "state")
        );
        for part in &self.unreached {
            text += &format!("  not reached: {}\n", part.text());
        }
        text
    }
}

impl UnreachedPart {
    /// Converts an unreached part; returns `None` for a kind that this crate does not know yet.
    fn of(unreached: Unreached) -> Option<Self> {
        let part = |kind, state| Self {
            kind,
            state,
            index: None,
            errors: None,
            next: None,
        };
        Some(match unreached {
            Unreached::State(state) => part("state", state),
            Unreached::Catcher {
                state,
                index,
                errors,
            } => Self {
                index: Some(index),
                errors: Some(errors),
                ..part("catch", state)
            },
            Unreached::Retrier {
                state,
                index,
                errors,
            } => Self {
                index: Some(index),
                errors: Some(errors),
                ..part("retry", state)
            },
            Unreached::Rule { state, index, next } => Self {
                index,
                next: Some(next),
                ..part(if index.is_some() { "choice" } else { "default" }, state)
            },
            _ => return None,
        })
    }

    /// Formats the part, for example ``state `A` ``, ``catch 0 (States.Timeout) of `A` `` or
    /// ``choice 1 (to `B`) of `A` ``.
    fn text(&self) -> String {
        let Self { kind, state, .. } = self;
        if *kind == "state" {
            return format!("state `{state}`");
        }
        let index = self.index.map(|index| format!(" {index}"));
        let errors = self
            .errors
            .as_ref()
            .map(|errors| format!(" ({})", errors.join(", ")));
        let next = self.next.as_ref().map(|next| format!(" (to `{next}`)"));
        let rest: String = [index, errors, next].into_iter().flatten().collect();
        format!("{kind}{rest} of `{state}`")
    }
}

/// Converts a duration to seconds, rounded to microseconds.
fn rounded(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e6).round() / 1e6
}
