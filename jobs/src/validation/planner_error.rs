//! Translates DataFusion's errors into problems that the author of a job understands.

use datafusion::common::SchemaError;
use datafusion::common::diagnostic::Diagnostic;
use datafusion::error::DataFusionError;

use super::sql_position::SqlPosition;
use crate::problem::{Position, Problem};
use crate::suggestion::{nearest, suggestion};

/// A problem that DataFusion's planner found, with the facts by which the validation decides whether to report it.
pub(super) struct PlannerProblem {
    /// The problem, as it is reported to the author of the job.
    pub(super) problem: Problem,
    /// `true` if the problem does not depend on the types of columns.
    pub(super) is_about_names: bool,
    /// Name of the missing table, if the problem is that a table was not found.
    missing_table: Option<String>,
}

impl PlannerProblem {
    /// `true` if the problem is only that a dataset in `broken` was not found. The caller has reported why that dataset
    /// is missing.
    pub(super) fn follows_from(&self, broken: &[&str]) -> bool {
        self.missing_table
            .as_deref()
            .is_some_and(|table| broken.contains(&table))
    }
}

/// Translates an error of DataFusion's planner about the SQL that begins at `written`.
pub(super) fn problem(written: &SqlPosition, error: &DataFusionError) -> PlannerProblem {
    let diagnostic = error.diagnostic();
    let span = diagnostic.and_then(|diagnostic| diagnostic.span);
    let position = span.map_or(written.start, |span| {
        written.position(span.start.line, span.start.column)
    });
    let found =
        |position: Position, message: String, hint: Option<String>, is_about_names: bool| {
            PlannerProblem {
                problem: Problem {
                    hint,
                    ..Problem::new(&written.file, position, message)
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
            let position = at.map_or(position, |(line, column)| written.position(line, column));
            found(
                position,
                format!("invalid SQL: {}", as_message(message)),
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
                found(
                    position,
                    message,
                    Some(if names.is_empty() {
                        "name a table that has the column in `from`, or correct the column's name"
                            .to_owned()
                    } else {
                        suggestion(&field.name, names)
                    }),
                    true,
                )
            }
            SchemaError::AmbiguousReference { field } => {
                let hint =
                    "write the table's name before the column's, for example `users.user_id`"
                        .to_owned();
                found(
                    position,
                    format!(
                        "column `{}` is ambiguous: several tables of the query have it",
                        field.name
                    ),
                    Some(hint),
                    true,
                )
            }
            other => found(position, as_message(&other.to_string()), None, true),
        },
        other => from_diagnostic(diagnostic, other, position, found),
    }
}

/// Translates an error by its diagnostic, or by its text if it has no diagnostic. DataFusion has no types for these
/// errors, so their English text decides; a text that is not recognized is reported as it is.
fn from_diagnostic(
    diagnostic: Option<&Diagnostic>,
    error: &DataFusionError,
    position: Position,
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
            "a query can read the inputs, and the tables and outputs declared above it".to_owned();
        let mut found = found(
            position,
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
            .map_or_else(
                || "use a SQL function of DataFusion, or one of `jobs/FUNCTIONS.md`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
        return found(
            position,
            format!("there is no function `{function}`"),
            Some(near),
            true,
        );
    }
    for (start, message, hint) in REWORDED {
        if text.starts_with(start) {
            return found(
                position,
                (*message).to_owned(),
                Some((*hint).to_owned()),
                true,
            );
        }
    }
    // The text also has outer errors that repeat the message and ask for a bug report, although there is no bug.
    let text = text
        .find("No function matches")
        .map_or(text, |at| &text[at..]);
    let helps = diagnostic.map(|diagnostic| {
        let notes = diagnostic
            .notes
            .iter()
            .map(|note| as_message(&note.message));
        notes
            .chain(
                diagnostic
                    .helps
                    .iter()
                    .map(|help| as_message(&help.message)),
            )
            .collect::<Vec<_>>()
            .join("; ")
    });
    found(
        position,
        as_message(text),
        helps.filter(|help| !help.is_empty()),
        false,
    )
}

/// Beginnings of DataFusion's messages, and the messages and hints that replace them.
const REWORDED: &[(&str, &str, &str)] = &[
    (
        "No SQL statements were provided",
        "the query is empty",
        "write a query: `select .. from ..`",
    ),
    (
        "The context currently only supports a single SQL statement",
        "the SQL has more than one query",
        "keep one query here, and move each other query to a file or string of its own",
    ),
    (
        "Projections require unique",
        "two columns of the query have the same name",
        "give each column its own name: `.. as other_name`",
    ),
    (
        "DDL not supported",
        "the SQL is not a read-only query",
        "write a `select`: the run itself writes the rows of outputs",
    ),
    (
        "DML not supported",
        "the SQL is not a read-only query",
        "write a `select`: the run itself writes the rows of outputs",
    ),
    (
        "Statement not supported",
        "the SQL is not a read-only query",
        "write a `select`: the run itself writes the rows of outputs",
    ),
];

/// Splits a message of the parser, such as `.. at Line: 3, Column: 5`, into the message and the line and column, which
/// the parser's error has only in its text.
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

/// Formats a text like the messages of this crate: on one line, with a lower-case start and without a full stop.
fn as_message(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    let mut characters = line.chars();
    match (characters.next(), line.chars().nth(1)) {
        // A word in capitals is a name, so it keeps its first letter.
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => line.to_owned(),
    }
}
