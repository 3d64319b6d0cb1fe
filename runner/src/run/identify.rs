//! The start of a run, before any data is read: its parameters, the requested checks, and its id. `drivetrain plan`
//! uses the same functions.

use drivetrain_jobs::job::Job;
use drivetrain_jobs::plan::Parameters;

use crate::commit::{OpenOptions, RunId, RunInputs};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::run::freeze::FrozenInputs;
use crate::run::settings::RunSettings;

/// Binds parameters to their values and types, and checks that the job has every requested check.
///
/// # Errors
/// `Usage` for a parameter or a check that the job does not have, or for an invalid value.
pub fn bind(job: &Job, settings: &RunSettings) -> Result<Parameters> {
    let given: Vec<_> = settings.parameters.iter().collect();
    let parameters = Parameters::bind(job, &given)?;
    require_known_checks(job, settings)?;
    Ok(parameters)
}

/// Returns the options for opening the job's log: whether to delete objects that no run wrote, or to refuse to run.
#[must_use]
pub fn open_options(settings: &RunSettings) -> OpenOptions {
    OpenOptions {
        replace_foreign: settings.replace_foreign,
    }
}

/// Computes the run's id: a hash of the job, the settings that change the result, and the frozen inputs.
///
/// # Errors
/// `Failed` only because of a bug: settings and contracts can always be written as JSON.
pub fn identify(job: &Job, settings: &RunSettings, inputs: &FrozenInputs) -> Result<RunId> {
    let mut parameters = settings.parameters.clone();
    let shape = serde_json::to_string(&settings.shape).context(
        ErrorKind::Failed,
        "the settings cannot be converted to JSON; this is a bug",
    )?;
    parameters.insert("--shape".to_owned(), shape);
    parameters.insert("--check".to_owned(), settings.checks.join(","));
    let contracts = serde_json::to_string(&job.inputs).context(
        ErrorKind::Failed,
        "the contracts cannot be converted to JSON; this is a bug",
    )?;
    let files: Vec<_> = job
        .files
        .iter()
        .map(|file| (file.name.clone(), file.text.clone()))
        .collect();
    let objects = inputs
        .iter()
        .map(|(name, input)| (name.clone(), input.objects().to_vec()))
        .collect();
    Ok(RunId::of(&RunInputs {
        job: &job.name,
        files: &files,
        parameters: &parameters,
        contracts: &contracts,
        inputs: &objects,
        version: env!("CARGO_PKG_VERSION"),
    }))
}

/// Fails if `--check` names a check that the job does not have; the hint lists the job's checks.
fn require_known_checks(job: &Job, settings: &RunSettings) -> Result<()> {
    let known = |name: &String| job.checks.iter().any(|check| check.name == *name);
    match settings.checks.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => {
            let names: Vec<_> = job
                .checks
                .iter()
                .map(|check| format!("`{}`", check.name))
                .collect();
            Err(Error::new(
                ErrorKind::Usage,
                format!("job `{}` has no check `{name}`", job.name),
            )
            .hint(if names.is_empty() {
                "this job has no checks; remove `--check`".to_owned()
            } else {
                format!("the checks of this job are {}", names.join(", "))
            }))
        }
    }
}
