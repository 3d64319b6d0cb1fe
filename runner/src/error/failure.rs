//! Failures in the form that programs read.

use std::error::Error as _;
use std::io;

use serde::{Deserialize, Serialize};

use crate::error::exit;
use crate::error::{Error, ErrorKind};

/// A failure with its exit code and error name, as it is written to JSON.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Failure {
    /// The error name that a state machine sees, such as `Drivetrain.Usage`.
    pub name: String,
    /// The exit code of the process.
    pub exit_code: u8,
    /// The message: what happened, and where.
    pub message: String,
    /// The messages of the causes, from the nearest to the deepest; repeated messages are omitted.
    pub causes: Vec<String>,
    /// The hint: what to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// Converts an error, with its causes and its hint.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        Self {
            name: exit::asl_name(error.kind()).to_owned(),
            exit_code: exit::code(error.kind()),
            message: error.to_string(),
            causes: causes(error),
            hint: error.hint_text().map(str::to_owned),
        }
    }

    /// Returns the error again, as for a failure that another process reports; a name that is not in [`exit::TABLE`]
    /// becomes `Failed`.
    #[must_use]
    pub fn into_error(self) -> Error {
        let kind = exit::kind(&self.name).unwrap_or(ErrorKind::Failed);
        let causes = self.causes.into_iter().rev();
        let cause = causes.fold(None, |deeper: Option<io::Error>, text| {
            Some(io::Error::other(Described { text, deeper }))
        });
        let mut error = Error::new(kind, self.message);
        if let Some(hint) = self.hint {
            error = error.hint(hint);
        }
        match cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        }
    }
}

/// The message of a cause that another process reports, with the cause of that cause.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Described {
    /// The message of the cause.
    text: String,
    /// The cause of the cause.
    #[source]
    deeper: Option<io::Error>,
}

/// Returns the messages of the error's causes, without those that only repeat the message before them.
fn causes(error: &Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !last.contains(&text) {
            causes.push(text.clone());
            last = text;
        }
        next = cause.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_becomes_the_same_error_again() {
        let deepest = io::Error::other("connection refused");
        let nearest = Error::new(ErrorKind::Failed, "cannot list").caused_by(deepest);
        let error = Error::new(ErrorKind::NodeLost, "stopped").hint("wait");
        for error in [error.caused_by(nearest), Error::new(ErrorKind::Usage, "no")] {
            let failure = Failure::of(&error);
            let again = Failure::of(&failure.clone().into_error());
            assert_eq!(format!("{failure:?}"), format!("{again:?}"));
        }
    }
}
