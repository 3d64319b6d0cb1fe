//! What a failure of the jobs crate means to a run.

use crate::error::{Error, ErrorKind};

/// A wrong job folder or parameter is a matter of usage.
#[must_use]
pub fn job_error(error: drivetrain_jobs::Error) -> Error {
    let hint = error.hint_text().map(str::to_owned);
    let failed = Error::new(ErrorKind::Usage, error.to_string());
    let failed = match hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    };
    failed.caused_by(error)
}
