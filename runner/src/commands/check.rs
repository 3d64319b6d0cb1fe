//! `drivetrain check`: every error of jobs and state machines at once.

use std::path::{Path, PathBuf};

use drivetrain_jobs::bundled;
use serde::Serialize;

use crate::cli::{CheckArgs, OutputFormat};
use crate::commands::Verdict;
use crate::error::{Error, ErrorKind, Result};
use crate::job::folder::JobFolder;
use crate::machines::definition::DefinitionFile;
use crate::machines::discovery::Targets;
use crate::machines::findings::finding::{Finding, counted, plural};
use crate::machines::findings::sarif::sarif;
use crate::machines::findings::table::table;
use crate::sql::threads::run_on_threads;
use crate::terminal::print;

/// Checks a machine's definition, or a folder of jobs and machines; silence is no answer, so what is sound is said to
/// be.
///
/// # Errors
/// `InputMissing` if it is not there, `Usage` if there is anything wrong and it is shown to a person; each problem was printed with its place. Warnings
/// refuse nothing.
pub fn check(args: &CheckArgs, format: OutputFormat) -> Result<Verdict> {
    let path = Path::new(&args.path);
    // A bundled job's name means the job wherever it is named.
    let is_bundled = bundled::NAMES.contains(&args.path.as_str());
    let targets = if path.is_file() {
        Targets {
            machines: vec![path.to_owned()],
            ..Targets::default()
        }
    } else if path.is_dir() && !is_bundled {
        let found = Targets::below(path)?;
        if found == Targets::default() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("there is nothing to check in `{}`", args.path),
            )
            .hint(
                "a job folder holds a `job.toml`, a machine's definition is a file `*.asl.json`",
            ));
        }
        found
    } else if args.path.contains(['/', '.']) && !args.path.contains("://") && !path.exists() {
        return Err(Error::new(
            ErrorKind::InputMissing,
            format!("there is no file or folder `{}`", args.path),
        ));
    } else {
        // A bundled job, or one in a bucket.
        Targets {
            jobs: vec![path.to_owned()],
            ..Targets::default()
        }
    };
    let findings = findings(&targets, args)?;
    let errors = findings.iter().filter(|one| one.is_error()).count();
    match format {
        OutputFormat::Text => print::answer(&text(args, &targets, &findings))?,
        OutputFormat::Json => print::answer_json(&Checked::of(args, &targets, &findings))?,
        OutputFormat::Sarif => print::answer_json(&sarif(&findings))?,
    }
    match (format, errors) {
        (_, 0) => Ok(Verdict::Passed),
        (OutputFormat::Text, count) => Err(Error::new(
            ErrorKind::Usage,
            format!("`{}` has {}", args.path, plural(count, "problem")),
        )),
        _ => Ok(Verdict::Invalid),
    }
}

fn findings(targets: &Targets, args: &CheckArgs) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if !targets.jobs.is_empty() {
        findings.extend(run_on_threads(None, of_jobs(&targets.jobs))?);
    }
    for machine in &targets.machines {
        match DefinitionFile::read(machine) {
            Ok(definition) => findings.extend(definition.findings(args.machine_type.into())),
            // Of several files one that cannot be read keeps nobody from the others.
            Err(error) if targets.machines.len() + targets.jobs.len() > 1 => {
                findings.push(Finding::unreadable(machine, &error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(findings)
}

async fn of_jobs(folders: &[PathBuf]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for folder in folders {
        let named = folder.display().to_string();
        let folder = JobFolder::read(&named).await?;
        let problems = folder.problems().await;
        findings.extend(problems.iter().map(|one| Finding::of_job(&named, one)));
    }
    Ok(findings)
}

fn text(args: &CheckArgs, targets: &Targets, findings: &[Finding]) -> String {
    let lines = table(findings);
    let several = targets.jobs.len() + targets.machines.len();
    let of_several = if several > 1 {
        let words = [
            (targets.jobs.len(), "job"),
            (targets.machines.len(), "machine"),
        ];
        let parts: Vec<String> = words
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| plural(count, word))
            .collect();
        format!(" in {}", parts.join(" and "))
    } else {
        String::new()
    };
    format!("{lines}{}: {}{of_several}\n", args.path, counted(findings))
}

/// What programs get.
#[derive(Serialize)]
struct Checked<'a> {
    path: &'a str,
    #[serde(rename = "checked")]
    files: Vec<String>,
    errors: usize,
    warnings: usize,
    diagnostics: &'a [Finding],
}

impl<'a> Checked<'a> {
    fn of(args: &'a CheckArgs, targets: &Targets, findings: &'a [Finding]) -> Self {
        let errors = findings.iter().filter(|one| one.is_error()).count();
        let paths = targets.jobs.iter().chain(&targets.machines);
        Self {
            path: &args.path,
            files: paths.map(|path| path.display().to_string()).collect(),
            errors,
            warnings: findings.len() - errors,
            diagnostics: findings,
        }
    }
}
