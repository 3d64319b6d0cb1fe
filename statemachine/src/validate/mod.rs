//! Everything that is wrong, or unwise, in a definition.

pub(crate) mod best_practices;
pub(crate) mod flow_graph;

use crate::definition::MachineType;
use crate::definition::machine::examine_text;
use crate::diagnostics::diagnostic::Diagnostic;

/// Examines the text of a definition and reports every finding at once, in the order of the text.
///
/// Errors are what AWS refuses, under AWS's codes. Warnings never refuse a machine; they are only looked for in
/// definitions without errors.
///
/// ```
/// use drivetrain_statemachine::{validate, Code, MachineType};
///
/// let text = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}"#;
/// let findings = validate(text, MachineType::Standard);
/// assert_eq!(findings[0].code, Code::MissingTransitionTarget);
/// assert_eq!(findings[0].pointer.as_deref(), Some("/States/A/Next"));
/// assert_eq!(findings[0].hint.as_deref(), Some("there is only `A`"));
/// ```
#[must_use]
pub fn validate(text: &str, machine_type: MachineType) -> Vec<Diagnostic> {
    let (_, mut diagnostics) = examine_text(text, machine_type);
    // What is about the whole comes last: often it follows from the rest.
    diagnostics.sort_by_key(|one| (one.severity, one.location.is_none(), one.place));
    diagnostics
}
