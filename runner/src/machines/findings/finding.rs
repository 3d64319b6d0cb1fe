//! Problem in a file of any kind: a machine, a job, mocks or a test case.

use std::fmt;
use std::path::Path;

use drivetrain_jobs::Problem;
use drivetrain_statemachine::{Diagnostic, Problem as LanguageProblem, Severity};
use serde::Serialize;

use crate::error::Error;

/// Rule of all problems of a job folder.
pub const JOB_RULE: &str = "INVALID_JOB";

/// Rule of all problems of a mock file.
pub const MOCK_RULE: &str = "INVALID_MOCKS";

/// Rule of all problems of a test case.
pub const CASE_RULE: &str = "INVALID_CASE";

/// Error or warning, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether the problem is an error, which must be corrected, or a warning.
    pub severity: Severity,
    /// The rule; for a machine, AWS's code.
    pub code: String,
    /// The description of the problem.
    pub message: String,
    /// JSON pointer (RFC 6901) to the place; `None` if the file is not JSON or cannot be read.
    pub pointer: Option<String>,
    /// The place in AWS's notation, such as `/States/A/Choices[0]`; only for machines.
    ///
    /// People and scanners get the pointer; JSON has both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The path of the file.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The character in that line, from 1.
    pub column: Option<usize>,
    /// The way to correct the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    /// Creates the finding of a file that cannot be read.
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

    /// Creates the finding of a diagnostic of a definition or of JSON.
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

    /// Creates the finding of a problem of a job folder.
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

    /// Creates the finding of a problem of a mock file.
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

    /// Returns the severity as a word.
    #[must_use]
    pub fn severity_word(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }

    /// Returns `true` for an error, `false` for a warning.
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

/// Returns the numbers of errors and warnings as text: `1 error, 2 warnings`.
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

/// Returns a count with its noun: `1 case`, `2 cases`.
#[must_use]
pub fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{} {word}s", crate::report::grouped(count as u64))
    }
}
