//! A case of a mock file.

use std::path::Path;

use drivetrain_statemachine::mocks::{MockCase, MockFile};
use drivetrain_statemachine::{Error as LanguageError, Severity};

use super::definition::read_text;
use super::finding::{Finding, MOCK_RULE};
use crate::error::{Error, ErrorKind, Result};

/// Reads a mock file and chooses a case of a machine; the only one need not be named.
///
/// Inside is everything that is wrong with the file, or with the choice.
///
/// # Errors
/// `InputMissing` or `Usage` if the file cannot be read.
pub fn read_mocks(
    path: &Path,
    machine: &str,
    case: Option<&str>,
) -> Result<Result<MockCase, Vec<Finding>>> {
    let text = read_text(path)?;
    Ok(choose(&path.display().to_string(), &text, machine, case))
}

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
    // Others take `orders.asl` for the stem of `orders.asl.json`.
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
            format!("there is no case for `{machine}`"),
        )]),
        several => {
            let names = several.join("`, `");
            let message = format!("which of the cases of `{machine}` is not said: `{names}`");
            Err(vec![of_file(file, message)])
        }
    }
}

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

/// Refuses a file with all that is wrong with it.
#[must_use]
pub fn refused(path: &Path, findings: &[Finding]) -> Error {
    let listed: Vec<String> = findings.iter().map(ToString::to_string).collect();
    let message = format!("cannot use `{}`:\n{}", path.display(), listed.join("\n"));
    Error::new(ErrorKind::Usage, message)
}
