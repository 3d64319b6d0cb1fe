//! Failures in the form that programs read.

use std::error::Error as _;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::error::exit;

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
