//! One thing that is wrong in a file, whatever the file is.

use std::fmt;
use std::path::Path;

use drivetrain_jobs::Problem;
use drivetrain_statemachine::{Diagnostic, Problem as LanguageProblem, Severity};
use serde::Serialize;

use crate::error::Error;

/// The rule of everything that is wrong with a job folder.
pub const JOB_RULE: &str = "INVALID_JOB";

/// The rule of everything that is wrong with a mock file.
pub const MOCK_RULE: &str = "INVALID_MOCKS";

/// The rule of everything that is wrong with a test case.
pub const CASE_RULE: &str = "INVALID_CASE";

/// One thing that is wrong, or unwise, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Tells whether it must be mended.
    pub severity: Severity,
    /// Names the rule: AWS's code for a machine.
    pub code: String,
    /// Says what is wrong.
    pub message: String,
    /// Points at it (a JSON pointer, RFC 6901), where the file is JSON.
    pub pointer: Option<String>,
    /// The same as AWS writes it, in a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The character in that line, from 1.
    pub column: Option<usize>,
    /// Says what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    /// Makes one of a file that cannot be read.
    #[must_use]
    pub fn unreadable(file: &Path, error: &Error) -> Self {
        let why = error
            .cause()
            .map_or_else(String::new, |why| format!(": {why}"));
        Self {
            severity: Severity::Error,
            code: "UNREADABLE".to_owned(),
            message: format!("{error}{why}"),
            pointer: None,
            location: None,
            file: file.display().to_string(),
            line: None,
            column: None,
            hint: error.hint_text().map(str::to_owned),
        }
    }

    /// Makes one of what the language says about a definition.
    #[must_use]
    pub fn of_machine(file: &str, diagnostic: &Diagnostic) -> Self {
        Self {
            severity: diagnostic.severity,
            code: diagnostic.code.as_str().to_owned(),
            message: diagnostic.message.clone(),
            pointer: diagnostic.pointer.clone(),
            location: diagnostic.location.clone(),
            file: file.to_owned(),
            line: diagnostic.place.map(|place| place.line),
            column: diagnostic.place.map(|place| place.column),
            hint: diagnostic.hint.clone(),
        }
    }

    /// Makes one of what a job folder is told.
    #[must_use]
    pub fn of_job(folder: &str, problem: &Problem) -> Self {
        Self {
            severity: Severity::Error,
            code: JOB_RULE.to_owned(),
            message: problem.message.clone(),
            pointer: None,
            location: None,
            file: format!("{}/{}", folder.trim_end_matches('/'), problem.file),
            line: Some(problem.line),
            column: Some(problem.column),
            hint: problem.hint.clone(),
        }
    }

    /// Makes one of what is wrong with a mock file.
    #[must_use]
    pub fn of_mocks(file: &str, problem: &LanguageProblem) -> Self {
        Self {
            severity: Severity::Error,
            code: MOCK_RULE.to_owned(),
            message: problem.message.clone(),
            pointer: Some(problem.pointer.clone()),
            location: None,
            file: file.to_owned(),
            line: problem.place.map(|place| place.line),
            column: problem.place.map(|place| place.column),
            hint: None,
        }
    }

    /// Names the severity for people.
    #[must_use]
    pub fn severity_word(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }

    /// Tells whether it must be mended.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `file:line:column: severity CODE pointer: message`, and the hint on a line of its own.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {} {}", self.severity_word(), self.code)?;
        match self.pointer.as_deref() {
            Some(pointer) if !pointer.is_empty() => write!(f, " {pointer}")?,
            _ => {}
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Counts in words: `1 error, 2 warnings`.
#[must_use]
pub fn counted(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|one| one.is_error()).count();
    let warnings = findings.len() - errors;
    let words = [(errors, "error"), (warnings, "warning")];
    let parts: Vec<String> = words
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| plural(count, word))
        .collect();
    if parts.is_empty() {
        "no problems".to_owned()
    } else {
        parts.join(", ")
    }
}

/// A count with its word: `1 case`, `2 cases`.
#[must_use]
pub fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{} {word}s", crate::report::grouped(count as u64))
    }
}
