//! `drivetrain check`: every error of a job folder or a state machine at once.

use std::path::Path;

use drivetrain_jobs::Problem;
use drivetrain_statemachine::{Diagnostic, validate};
use serde::Serialize;

use crate::cli::CheckArgs;
use crate::commands::print_json;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::job_folder::JobFolder;

/// Checks a job folder or a machine's definition; silence is no answer, so a sound one is said to be.
///
/// # Errors
/// `Usage`, if there is anything wrong; each problem was printed with its place. Warnings refuse nothing.
pub async fn check(args: &CheckArgs, json: bool) -> Result<()> {
    if Path::new(&args.path).is_file() {
        check_machine(args, json)
    } else {
        check_job(&args.path, json).await
    }
}

async fn check_job(path: &str, json: bool) -> Result<()> {
    let folder = JobFolder::read(path).await?;
    let problems = folder.problems().await;
    if json {
        print_json(&Checked {
            path,
            problems: &problems,
        })?;
    } else if problems.is_empty() {
        println!("{path}: no problems");
    } else {
        for problem in &problems {
            println!("{problem}");
        }
    }
    verdict(path, problems.len())
}

fn check_machine(args: &CheckArgs, json: bool) -> Result<()> {
    let path = &args.path;
    let text = std::fs::read_to_string(path)
        .context(ErrorKind::InputMissing, format!("cannot read `{path}`"))?;
    let diagnostics = validate(&text, args.machine_type.into());
    if json {
        let diagnostics: Vec<Finding<'_>> = diagnostics.iter().map(Finding::from).collect();
        print_json(&CheckedMachine { path, diagnostics })?;
    } else if diagnostics.is_empty() {
        println!("{path}: no problems");
    } else {
        for diagnostic in &diagnostics {
            println!("{}", line(path, diagnostic));
        }
    }
    verdict(
        path,
        diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.is_error())
            .count(),
    )
}

fn verdict(path: &str, errors: usize) -> Result<()> {
    let problems = if errors == 1 { "problem" } else { "problems" };
    match errors {
        0 => Ok(()),
        // In JSON the list is the answer; a program has the exit code.
        count => {
            Err(Error::new(ErrorKind::Usage, format!("`{path}` has {count} {problems}")).told())
        }
    }
}

/// `file:line:column: severity CODE pointer: message`.
fn line(path: &str, diagnostic: &Diagnostic) -> String {
    let place = diagnostic
        .place
        .map(|place| format!(":{}:{}", place.line, place.column))
        .unwrap_or_default();
    let location = diagnostic.location.as_deref().unwrap_or_default();
    let Finding {
        severity,
        code,
        message,
        ..
    } = Finding::from(diagnostic);
    format!("{path}{place}: {severity} {code} {location}: {message}")
}

#[derive(Serialize)]
struct Checked<'a> {
    path: &'a str,
    problems: &'a [Problem],
}

#[derive(Serialize)]
struct CheckedMachine<'a> {
    path: &'a str,
    diagnostics: Vec<Finding<'a>>,
}

/// A diagnostic with its place, as programs read it.
#[derive(Serialize)]
struct Finding<'a> {
    severity: &'static str,
    code: &'static str,
    message: &'a str,
    location: Option<&'a str>,
    line: Option<usize>,
    column: Option<usize>,
}

impl<'a> From<&'a Diagnostic> for Finding<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        Self {
            severity: if diagnostic.is_error() {
                "error"
            } else {
                "warning"
            },
            code: diagnostic.code.as_str(),
            message: &diagnostic.message,
            location: diagnostic.location.as_deref(),
            line: diagnostic.place.map(|place| place.line),
            column: diagnostic.place.map(|place| place.column),
        }
    }
}
