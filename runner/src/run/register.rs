//! The last stage of a run that registers its tables in a catalog.

use crate::catalog::{self, Registration};
use crate::error::{Error, ErrorKind, Result};
use crate::report::{Registered, Report};
use crate::run::failed_run::FailedRun;
use crate::run::request::{Register, RunInProgress};

/// Registers the tables of a run that is committed or was already done. Without a catalog, returns the report as it is.
///
/// # Errors
/// `TryAgain` for every failure, because the run stays committed, and `drivetrain register` makes up for it.
pub(crate) async fn register(
    run: &RunInProgress<'_>,
    mut report: Report,
) -> Result<Report, FailedRun> {
    let Some(register) = run.request.register else {
        return Ok(report);
    };
    let stage = run.request.stages.stage("register");
    let registering = tables(run, register);
    match run.stop().or_cancelled(registering).await {
        Ok(registered) => {
            stage.finish();
            report.registered = Some(registered);
            Ok(report)
        }
        Err(error) => Err(FailedRun {
            error: not_registered(&report, error),
            report: Some(Box::new(report)),
        }),
    }
}

/// Registers the tables of the job.
async fn tables(run: &RunInProgress<'_>, register: Register<'_>) -> Result<Registered> {
    let registration = Registration {
        job: run.job(),
        root: run.roots.output.location(),
        schema_change: register.schema_change,
        adopts: register.adopts,
    };
    let head = (&run.roots.output, run.job().name.as_str());
    catalog::register(&registration, &head, register.catalog).await
}

/// Returns the error of a run that is committed and not registered.
fn not_registered(report: &Report, cause: Error) -> Error {
    let message = format!(
        "job `{}` is committed as record {}, not registered",
        report.job, report.record
    );
    let again = "run `drivetrain register` to register it";
    let hint = match cause.hint_text() {
        Some(first) => format!("{first}; then {again}"),
        None => again.to_owned(),
    };
    Error::new(ErrorKind::TryAgain, message)
        .hint(hint)
        .caused_by(cause)
}
