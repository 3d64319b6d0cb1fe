//! Runs all checks of a definition, and parses machines.

use std::sync::Arc;

use serde_json::Value;

use crate::definition::machine::{Definition, Machine};
use crate::definition::model::MachineType;
use crate::definition::read::machine::read_machine;
use crate::definition::read::object_fields::DiagnosticCollector;
use crate::diagnostics::diagnostic::{Code, Diagnostic};
use crate::diagnostics::duplicate_keys::unplaced_duplicate_keys;
use crate::diagnostics::hint::not_json_hint;
use crate::diagnostics::place::{Place, places};
use crate::error::Error;
use crate::evaluation_budget::{MAX_DEPTH, nests_too_deeply};
use crate::json_pointer::aws_notation;
use crate::json_text::{ParseError, parse_json};
use crate::validate::{best_practices, flow_graph};

/// The largest definition that AWS accepts: 1 MiB.
const LARGEST_DEFINITION_BYTES: usize = 1_048_576;

/// Returns every finding about the text of a definition, in the order of the text.
///
/// Errors are problems for which AWS rejects the definition, under AWS's codes. AWS accepts definitions with warnings.
/// Except for duplicate keys, warnings are only searched for in definitions without errors.
///
/// ```
/// use drivetrain_statemachine::{validate, Code, MachineType};
///
/// let text = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}"#;
/// let findings = validate(text, MachineType::Standard);
/// assert_eq!(findings[0].code, Code::MissingTransitionTarget);
/// assert_eq!(findings[0].pointer.as_deref(), Some("/States/A/Next"));
/// assert_eq!(findings[0].hint.as_deref(), Some("the only valid name here is `A`"));
/// ```
#[must_use]
pub fn validate(text: &str, machine_type: MachineType) -> Vec<Diagnostic> {
    let (_, mut diagnostics) = examine_text(text, machine_type);
    // Findings about the whole definition come last, because they often follow from the others.
    diagnostics.sort_by_key(|one| (one.severity, one.location.is_none(), one.place));
    diagnostics
}

impl Machine {
    /// Parses the definition of a STANDARD workflow.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDefinition`](crate::ErrorKind::InvalidDefinition) if the definition has an error;
    /// [`Error::diagnostics`] lists every finding with its place.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_as(text, MachineType::Standard)
    }

    /// Parses the definition of a workflow of the given type.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDefinition`](crate::ErrorKind::InvalidDefinition) if the definition has an error;
    /// [`Error::diagnostics`] lists every finding with its place.
    pub fn parse_as(text: &str, machine_type: MachineType) -> Result<Self, Error> {
        let (definition, diagnostics) = examine_text(text, machine_type);
        Self::accept(definition, diagnostics)
    }

    /// Reads a definition that is a JSON value; its findings have no line and no column.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDefinition`](crate::ErrorKind::InvalidDefinition) if the definition has an error;
    /// [`Error::diagnostics`] lists every finding.
    pub fn from_value(value: Value, machine_type: MachineType) -> Result<Self, Error> {
        let (definition, diagnostics) = examine(value, machine_type, None);
        Self::accept(definition, diagnostics)
    }

    /// Returns the machine, or an error with all findings if the definition has an error.
    fn accept(definition: Option<Definition>, diagnostics: Vec<Diagnostic>) -> Result<Self, Error> {
        match definition {
            Some(definition) if !diagnostics.iter().any(Diagnostic::is_error) => {
                Ok(Self(Arc::new(definition)))
            }
            _ => Err(Error::definition(diagnostics)),
        }
    }
}

/// Reads and checks the text of a definition; its findings have a line and a column.
fn examine_text(text: &str, machine_type: MachineType) -> (Option<Definition>, Vec<Diagnostic>) {
    const NO_OBJECT: &str = "Definition must be a valid JSON object";
    let refuse = |code, message: String| (None, vec![Diagnostic::of_text(code, message)]);
    if text.trim().is_empty() {
        let empty = Diagnostic::of_text(Code::SchemaValidationFailed, NO_OBJECT);
        return (
            None,
            vec![
                empty.hint("the definition is empty: write an object with `StartAt` and `States`"),
            ],
        );
    }
    if text.len() > LARGEST_DEFINITION_BYTES {
        return refuse(
            Code::SchemaValidationFailed,
            format!("Definition must not be longer than {LARGEST_DEFINITION_BYTES} bytes"),
        );
    }
    let value = match parse_json(text) {
        Ok(value) => value,
        Err(ParseError {
            too_deep,
            source: error,
        }) => {
            let code = if too_deep {
                Code::TooDeeplyNested
            } else {
                Code::InvalidJsonDescription
            };
            let diagnostic = Diagnostic {
                place: Some(Place {
                    line: error.line(),
                    // A text that ends too early may end before a line's first character.
                    column: error.column().max(1),
                }),
                hint: not_json_hint(text).map(str::to_owned),
                ..Diagnostic::of_text(code, error.to_string())
            };
            return (None, vec![diagnostic]);
        }
    };
    examine(value, machine_type, Some(text))
}

/// Adds the line, the column and AWS's notation of each finding's place.
fn locate(diagnostics: &mut [Diagnostic], value: &Value, text: Option<&str>) {
    let pointers = || diagnostics.iter().filter_map(|one| one.pointer.as_deref());
    let mut found = text
        .map(|text| places(text, &pointers().collect::<Vec<_>>()))
        .unwrap_or_default()
        .into_iter();
    for diagnostic in diagnostics {
        if let Some(pointer) = &diagnostic.pointer {
            diagnostic.place = found.next();
            // AWS gives no place for a workflow that never ends.
            diagnostic.location =
                (diagnostic.code != Code::MissingEndState).then(|| aws_notation(pointer, value));
        }
    }
}

/// Reads and checks a definition; its errors precede its warnings. `text` is the JSON text of `value`, if there is one.
fn examine(
    value: Value,
    machine_type: MachineType,
    text: Option<&str>,
) -> (Option<Definition>, Vec<Diagnostic>) {
    // Text cannot nest this deeply, but a value that a caller built can.
    if nests_too_deeply(&value) {
        let message = format!("Definition must not nest {MAX_DEPTH} or more levels deep");
        return (
            None,
            vec![Diagnostic::of_text(Code::TooDeeplyNested, message)],
        );
    }
    let problems = DiagnosticCollector::default();
    let duplicates = || text.map(unplaced_duplicate_keys).unwrap_or_default();
    let definition = read_machine(&value, machine_type, &problems);
    let Some((flow, timeout)) = definition else {
        let mut diagnostics = problems.into_inner();
        diagnostics.extend(duplicates());
        locate(&mut diagnostics, &value, text);
        return (None, diagnostics);
    };
    flow_graph::check(&flow, &problems);
    let mut diagnostics = problems.into_inner();
    if !diagnostics.iter().any(Diagnostic::is_error) {
        diagnostics.extend(best_practices::check(&value, &flow));
    }
    diagnostics.extend(duplicates());
    locate(&mut diagnostics, &value, text);
    let definition = Definition {
        flow,
        machine_type,
        timeout,
        source: value,
    };
    (Some(definition), diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn states_are_listed_with_their_depth() {
        let machine = Machine::parse(
            r#"{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":
                {"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}}}"#,
        )
        .unwrap();
        let listed: Vec<_> = machine
            .states()
            .into_iter()
            .map(|state| (state.name, state.depth))
            .collect();
        assert_eq!(listed, [("M".to_owned(), 0), ("P".to_owned(), 1)]);
    }

    #[test]
    fn every_problem_is_reported_at_once_with_its_place() {
        let error =
            Machine::parse("{\"StartAt\": \"A\",\n \"States\": {\"B\": {\"Type\": \"Pas\"}}}")
                .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidDefinition);
        let places: Vec<_> = error
            .diagnostics()
            .iter()
            .filter_map(|one| one.place)
            .collect();
        assert!(
            places.contains(&Place {
                line: 1,
                column: 13
            }),
            "{error}"
        );
        assert!(
            places.contains(&Place {
                line: 2,
                column: 27
            }),
            "{error}"
        );
    }
}
