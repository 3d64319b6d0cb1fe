//! DataFusion's errors as problems in the words of a job's author.

use datafusion::common::SchemaError;
use datafusion::common::diagnostic::Diagnostic;
use datafusion::error::DataFusionError;

use super::sql_position::SqlPosition;
use crate::problem::{Position, Problem};
use crate::suggestion::{nearest, suggestion};

/// A problem, and what kind of thing it is about.
pub(super) struct PlannerProblem {
    pub(super) problem: Problem,
    /// Whether it holds whatever the types of columns are.
    pub(super) is_about_names: bool,
    missing_table: Option<String>,
}

impl PlannerProblem {
    /// Whether it is only that a dataset is missing whose own problem was reported.
    pub(super) fn names_any_of(&self, broken: &[&str]) -> bool {
        self.missing_table
            .as_deref()
            .is_some_and(|table| broken.contains(&table))
    }
}

/// Says an error of DataFusion's planner in the words of a job's author.
pub(super) fn problem(written: &SqlPosition, error: &DataFusionError) -> PlannerProblem {
    let diagnostic = error.diagnostic();
    let span = diagnostic.and_then(|diagnostic| diagnostic.span);
    let place = span.map_or(written.start, |span| {
        written.position(span.start.line, span.start.column)
    });
    let found = |place: Position, message: String, hint: Option<String>, is_about_names: bool| {
        PlannerProblem {
            problem: Problem {
                hint,
                ..Problem::new(&written.file, place, message)
            },
            is_about_names,
            missing_table: None,
        }
    };
    match error.find_root() {
        DataFusionError::SQL(error, _) => {
            let text = error.to_string();
            let text = text
                .split_once("error: ")
                .map_or(text.as_str(), |(_, message)| message);
            let (message, at) = without_position(text);
            let place = at.map_or(place, |(line, column)| written.position(line, column));
            found(
                place,
                format!("this is no SQL: {}", lowered(message)),
                None,
                true,
            )
        }
        DataFusionError::SchemaError(error, _) => match error.as_ref() {
            SchemaError::FieldNotFound {
                field,
                valid_fields,
            } => {
                let names = valid_fields
                    .iter()
                    .map(|column| column.name.as_str())
                    .collect::<Vec<_>>();
                let message = match &field.relation {
                    Some(table) => format!("`{}` has no column `{}`", table.table(), field.name),
                    None => format!("there is no column `{}`", field.name),
                };
                found(place, message, Some(suggestion(&field.name, names)), true)
            }
            SchemaError::AmbiguousReference { field } => {
                let hint = "write the table's name before it: `users.user_id`".to_owned();
                found(
                    place,
                    format!("`{}` may be a column of several tables", field.name),
                    Some(hint),
                    true,
                )
            }
            other => found(place, lowered(&other.to_string()), None, true),
        },
        other => from_diagnostic(diagnostic, other, place, found),
    }
}

fn from_diagnostic(
    diagnostic: Option<&Diagnostic>,
    error: &DataFusionError,
    place: Position,
    found: impl Fn(Position, String, Option<String>, bool) -> PlannerProblem,
) -> PlannerProblem {
    let text = match diagnostic {
        Some(diagnostic) => diagnostic.message.clone(),
        None => error.message().to_string(),
    };
    let text = text.trim();
    if let Some(table) = text
        .strip_prefix("table '")
        .and_then(|rest| rest.strip_suffix("' not found"))
    {
        let table = table.rsplit('.').next().unwrap_or(table).to_owned();
        let hint =
            "a query sees the inputs, and the tables and outputs written above it".to_owned();
        let mut found = found(
            place,
            format!("there is no table `{table}`"),
            Some(hint),
            true,
        );
        found.missing_table = Some(table);
        return found;
    }
    if let Some(function) = text.strip_prefix("Invalid function '") {
        let function = function.split('\'').next().unwrap_or(function);
        let near = diagnostic
            .and_then(|diagnostic| diagnostic.notes.first())
            .and_then(|note| note.message.split('\'').nth(1))
            .and_then(|suggested| nearest(function, [suggested]))
            .map(|near| format!("did you mean `{near}`?"));
        return found(
            place,
            format!("there is no function `{function}`"),
            near,
            true,
        );
    }
    for (start, message, hint) in REWORDED {
        if text.starts_with(start) {
            return found(place, (*message).to_owned(), Some((*hint).to_owned()), true);
        }
    }
    // DataFusion repeats itself in an error inside an error, and asks for a report of a defect that is none.
    let text = text
        .find("No function matches")
        .map_or(text, |at| &text[at..]);
    let helps = diagnostic.map(|diagnostic| {
        let notes = diagnostic.notes.iter().map(|note| lowered(&note.message));
        notes
            .chain(diagnostic.helps.iter().map(|help| lowered(&help.message)))
            .collect::<Vec<_>>()
            .join("; ")
    });
    found(
        place,
        lowered(text),
        helps.filter(|help| !help.is_empty()),
        false,
    )
}

/// How some messages of DataFusion begin, and what is said in their place.
const REWORDED: &[(&str, &str, &str)] = &[
    (
        "No SQL statements were provided",
        "there is no query",
        "write what the table holds: `select .. from ..`",
    ),
    (
        "The context currently only supports a single SQL statement",
        "there is more than one query",
        "each query has its own file or text",
    ),
    (
        "Projections require unique",
        "the query gives two columns one name",
        "name each one: `.. as other_name`",
    ),
    (
        "DDL not supported",
        "a query only reads",
        "what is written are the outputs",
    ),
    (
        "DML not supported",
        "a query only reads",
        "what is written are the outputs",
    ),
    (
        "Statement not supported",
        "a query only reads",
        "what is written are the outputs",
    ),
];

/// Splits `.. at Line: 3, Column: 5` off a message of the parser.
fn without_position(text: &str) -> (&str, Option<(u64, u64)>) {
    let Some((message, position)) = text.rsplit_once(" at Line: ") else {
        return (text, None);
    };
    let at = position
        .split_once(", Column: ")
        .and_then(|(line, column)| {
            Some((
                line.trim().parse().ok()?,
                column.trim().trim_end_matches('.').parse().ok()?,
            ))
        });
    (message, at)
}

/// The text as the house writes messages: one line, no capital at its start, no full stop at its end.
fn lowered(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    let mut characters = line.chars();
    match (characters.next(), line.chars().nth(1)) {
        // A word in capitals is a name.
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => line.to_owned(),
    }
}
