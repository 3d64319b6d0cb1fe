//! Reads mock files and chooses a case in them.

use std::path::Path;

use drivetrain_statemachine::mocks::{MockCase, MockFile};
use drivetrain_statemachine::{Error as LanguageError, Severity};

use crate::error::{Error, ErrorKind, Result};
use crate::machines::definition::read_text;
use crate::machines::findings::finding::{Finding, MOCK_RULE};

/// Reads a mock file and returns one of a machine's cases: the one named `case`, or else the only one.
///
/// The error of the inner result lists all problems of the file's contents, or says why no case can be chosen.
///
/// # Errors
/// The errors of [`read_text`].
pub fn read_mocks(
    path: &Path,
    machine: &str,
    case: Option<&str>,
) -> Result<Result<MockCase, Vec<Finding>>> {
    let text = read_text(path)?;
    Ok(choose(&path.display().to_string(), &text, machine, case))
}

/// Parses the text of a mock file and chooses a case of a machine.
fn choose(
    file: &str,
    text: &str,
    machine: &str,
    case: Option<&str>,
) -> Result<MockCase, Vec<Finding>> {
    let wrong = |error: LanguageError| {
        if error.problems().is_empty() {
            return vec![of_file(file, error.to_string())];
        }
        let problems = error.problems().iter();
        problems
            .map(|problem| Finding::of_mocks(file, problem))
            .collect()
    };
    let mocks = MockFile::parse(text).map_err(wrong)?;
    // Some tools use the name `orders.asl` for the machine in `orders.asl.json`.
    let other = format!("{machine}.asl");
    let has = |name: &str| mocks.machines().any(|known| known == name);
    let machine = if !has(machine) && has(&other) {
        &other
    } else {
        machine
    };
    if let Some(case) = case {
        return mocks.case(machine, case).map_err(wrong);
    }
    let cases: Vec<&str> = mocks.cases(machine).map_err(wrong)?.collect();
    match cases.as_slice() {
        [only] => mocks.case(machine, only).map_err(wrong),
        [] => Err(vec![of_file(
            file,
            format!("the mock file has no case for the machine `{machine}`"),
        )]),
        several => {
            let names = several.join("`, `");
            let message = format!(
                "the mock file has several cases for the machine `{machine}` (`{names}`): choose one with `--case`, or with `mock_case` in the test case file"
            );
            Err(vec![of_file(file, message)])
        }
    }
}

/// Creates a finding about a file as a whole.
fn of_file(file: &str, message: String) -> Finding {
    Finding {
        severity: Severity::Error,
        code: MOCK_RULE.to_owned(),
        message,
        pointer: None,
        location: None,
        file: file.to_owned(),
        line: None,
        column: None,
        hint: None,
    }
}

/// Creates the error for an invalid mock file, with all its findings in the message.
#[must_use]
pub fn refused(path: &Path, findings: &[Finding]) -> Error {
    let listed: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let message = format!(
        "cannot use the mock file `{}`:\n{}",
        path.display(),
        listed.join("\n")
    );
    Error::new(ErrorKind::Usage, message)
}
