//! `drivetrain check`: reports all errors of jobs and state machines at once.

use std::path::{Path, PathBuf};

use drivetrain_jobs::bundled;
use serde::Serialize;
use serde_json::Value;

use crate::cli::CheckArgs;
use crate::error::{Error, ErrorKind, Result};
use crate::job::job_folder::JobFolder;
use crate::machines::definition::DefinitionFile;
use crate::machines::discovery::Targets;
use crate::machines::findings::finding::{Finding, counted, plural};
use crate::machines::findings::sarif::sarif;
use crate::machines::findings::table::table;
use crate::sql::threads::run_on_threads;
use crate::terminal::printer::{Answer, ToText, Verdict};

/// Checks a definition, a job, or all jobs and machines of a folder, and returns their findings.
///
/// # Errors
/// `InputMissing` if the path does not exist; `Usage` if the folder contains nothing to check.
pub fn check(args: &CheckArgs) -> Result<Answer> {
    let path = Path::new(&args.path);
    // The name of a bundled job means that job, even if a folder of this name exists.
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
                format!("`{}` contains no job and no state machine", args.path),
            )
            .hint("a job is a folder with a `job.toml`; a state machine is a file `*.asl.json`"));
        }
        found
    } else if args.path.contains(['/', '.']) && !args.path.contains("://") && !path.exists() {
        return Err(Error::new(
            ErrorKind::InputMissing,
            format!("there is no file or folder `{}`", args.path),
        )
        .hint(
            "pass a definition, a folder with jobs or state machines, or the name or URL of a job",
        ));
    } else {
        // The name of a bundled job, or the URL of a job.
        Targets {
            jobs: vec![path.to_owned()],
            ..Targets::default()
        }
    };
    let findings = findings(&targets, args)?;
    let checked = Checked::of(args, &targets, findings);
    let errors = checked.errors;
    let answer = Answer::asked(checked);
    Ok(match errors {
        0 => answer,
        count => answer.verdict(Verdict::Invalid).complaint(format!(
            "`{}` has {}",
            args.path,
            plural(count, "error")
        )),
    })
}

/// Returns the findings in all job folders and definitions.
fn findings(targets: &Targets, args: &CheckArgs) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if !targets.jobs.is_empty() {
        findings.extend(run_on_threads(None, of_jobs(&targets.jobs))?);
    }
    for machine in &targets.machines {
        match DefinitionFile::read(machine) {
            Ok(definition) => findings.extend(definition.findings(args.machine_type.into())),
            // One unreadable file among several must not hide the findings of the others.
            Err(error) if targets.machines.len() + targets.jobs.len() > 1 => {
                findings.push(Finding::unreadable(machine, &error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(findings)
}

/// Checks the job folders one by one, and returns the findings of all.
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

/// Answer of a check: the checked files and their findings.
#[derive(Serialize)]
struct Checked {
    /// The path as the user gave it.
    path: String,
    /// Paths of the checked job folders and definitions.
    #[serde(rename = "checked")]
    files: Vec<String>,
    /// The number of findings that are errors; above 0, the exit code is 2.
    errors: usize,
    /// The number of findings that are warnings; they do not change the exit code.
    warnings: usize,
    /// All findings, in the order of the files.
    diagnostics: Vec<Finding>,
    /// The number of checked jobs.
    #[serde(skip)]
    jobs: usize,
    /// The number of checked machines.
    #[serde(skip)]
    machines: usize,
}

impl Checked {
    /// Creates the answer and counts its findings.
    fn of(args: &CheckArgs, targets: &Targets, findings: Vec<Finding>) -> Self {
        let errors = findings.iter().filter(|one| one.is_error()).count();
        let paths = targets.jobs.iter().chain(&targets.machines);
        Self {
            path: args.path.clone(),
            files: paths.map(|path| path.display().to_string()).collect(),
            errors,
            warnings: findings.len() - errors,
            diagnostics: findings,
            jobs: targets.jobs.len(),
            machines: targets.machines.len(),
        }
    }
}

impl ToText for Checked {
    fn text(&self) -> String {
        let lines = table(&self.diagnostics);
        let of_several = if self.jobs + self.machines > 1 {
            let words = [(self.jobs, "job"), (self.machines, "machine")];
            let parts: Vec<String> = words
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| plural(count, word))
                .collect();
            format!(" in {}", parts.join(" and "))
        } else {
            String::new()
        };
        let counted = counted(&self.diagnostics);
        format!("{lines}{}: {counted}{of_several}\n", self.path)
    }

    fn sarif(&self) -> Option<Value> {
        Some(sarif(&self.diagnostics))
    }
}
