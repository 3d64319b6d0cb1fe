//! A finding: an error or a warning in a file of any kind, such as a definition, a job, mocks or a test case.

use std::fmt;
use std::path::Path;

use drivetrain_jobs::Problem;
use drivetrain_statemachine::{Diagnostic, Problem as LanguageProblem, Severity};
use serde::Serialize;

use crate::error::Error;

/// Rule id of all findings in job folders.
pub const JOB_RULE: &str = "INVALID_JOB";

/// Rule id of all findings in mock files.
pub const MOCK_RULE: &str = "INVALID_MOCKS";

/// Rule id of all findings in test cases.
pub const CASE_RULE: &str = "INVALID_CASE";

/// An error or a warning, with its position in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The severity: an error must be corrected, a warning need not be.
    pub severity: Severity,
    /// The id of the rule, such as `INVALID_CASE`; AWS's own code if AWS reports this problem of a definition too.
    pub code: String,
    /// The problem as text; for a definition, in AWS's words if AWS reports this problem.
    pub message: String,
    /// JSON pointer (RFC 6901) to the value that has the problem; `None` if the file is not JSON or cannot be read.
    pub pointer: Option<String>,
    /// The location of that value in AWS's notation, such as `/States/A/Choices[0]`; only for definitions.
    ///
    /// JSON output contains `location` and `pointer`; text and SARIF output contain only `pointer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The path by which the command found the file.
    pub file: String,
    /// The line of the problem, from 1; `None` if it is unknown.
    pub line: Option<usize>,
    /// The column of the problem in its line, in characters from 1.
    pub column: Option<usize>,
    /// The hint, which says how to correct the problem; `None` if the message is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    /// Creates a finding for a file that cannot be read.
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

    /// Converts a diagnostic of a definition, or of another JSON text, into a finding.
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

    /// Converts a problem of a job folder into a finding.
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

    /// Converts a problem of a mock file into a finding.
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

    /// Returns the severity as a word: `error` or `warning`.
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

/// Formats as `file:line:column: severity CODE pointer: message`, with the hint on a line of its own.
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

/// Counts errors and warnings, as text: `1 error, 2 warnings`.
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

/// Formats a count with its noun in the singular or plural: `1 case`, `2 cases`.
#[must_use]
pub fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        format!("1 {word}")
    } else {
        format!("{} {word}s", crate::report::grouped(count as u64))
    }
}
