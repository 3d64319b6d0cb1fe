//! A failure as a program reads it.

use std::error::Error as _;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::error::exit;

/// What the text of a failure has, and what a state machine would see.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Failure {
    /// The error name that a state machine sees.
    pub name: String,
    /// The code that the process ends with.
    pub exit_code: u8,
    /// What went wrong.
    pub message: String,
    /// The chain below it.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// An error with its causes and its hint.
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

/// The chain below the error, without links that only repeat the one above.
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
