//! Descriptions of jobs as tables of text, for `drivetrain jobs` and `drivetrain jobs <name>`. Programs read the
//! serialized [`Job`] instead.

use serde::Serialize;

use crate::contract::{Column, ColumnType, Contract, Format, Key, Origin, Reference, Severity};
use crate::job::{CheckKind, Input, InputOrigin, Job, Mode, Output};

/// Summary of a job, as `drivetrain jobs` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Name of the job.
    pub name: String,
    /// Description of the job.
    pub description: String,
    /// Datasets that the job reads, such as `raw/users`, or `rental_facts.rental_facts` for a table of another job.
    pub inputs: Vec<String>,
    /// Names of the tables that the job writes.
    pub outputs: Vec<String>,
}

impl From<&Job> for Summary {
    fn from(job: &Job) -> Self {
        Self {
            name: job.name.clone(),
            description: job.description.clone(),
            inputs: job.inputs.iter().map(source).collect(),
            outputs: job
                .outputs
                .iter()
                .map(|output| output.name.clone())
                .collect(),
        }
    }
}

/// One block of a job's description: a title, lines of text, and a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Subject, such as `input users (raw/users)`.
    pub title: String,
    /// Lines of text above the table.
    pub lines: Vec<String>,
    /// Titles of the table's columns.
    pub header: Vec<String>,
    /// Rows of the table, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

/// Describes a job in full: its parameters, each input and each output with its contract, and its checks.
#[must_use]
pub fn listings(job: &Job) -> Vec<Listing> {
    let mut listings = Vec::new();
    if !job.parameters.is_empty() {
        let rows = job.parameters.iter().map(|parameter| {
            let default = match &parameter.default {
                Some(default) => default.clone(),
                None if parameter.required => "required".to_owned(),
                None => String::new(),
            };
            vec![
                parameter.name.clone(),
                parameter.kind.to_string(),
                default,
                parameter.description.clone().unwrap_or_default(),
            ]
        });
        listings.push(Listing {
            title: "parameters".to_owned(),
            lines: Vec::new(),
            header: header(&["name", "type", "default", "meaning"]),
            rows: rows.collect(),
        });
    }
    listings.extend(job.inputs.iter().map(input));
    listings.extend(job.outputs.iter().map(|written| output(job, written)));
    if !job.checks.is_empty() {
        let rows = job.checks.iter().map(|check| {
            let what = match &check.kind {
                CheckKind::Equal { .. } => "expected = got",
                CheckKind::NoRows(_) => "no rows",
            };
            let run = if check.enabled {
                "always"
            } else {
                "on request"
            };
            vec![
                check.name.clone(),
                what.to_owned(),
                outcome(check.severity).to_owned(),
                run.to_owned(),
            ]
        });
        listings.push(Listing {
            title: "checks".to_owned(),
            lines: Vec::new(),
            header: header(&["name", "holds when", "else", "runs"]),
            rows: rows.collect(),
        });
    }
    listings
}

/// Converts column titles to the header of a [`Listing`].
fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Returns the source of an input as a user writes it: `raw/<folder>` or `<job>.<table>`.
fn source(input: &Input) -> String {
    match &input.origin {
        InputOrigin::Raw(folder) => format!("raw/{folder}"),
        InputOrigin::Table { job, table } => format!("{job}.{table}"),
    }
}

/// Describes an input: its format and constraints as lines, its columns as a table.
fn input(input: &Input) -> Listing {
    let Contract {
        format,
        columns,
        key,
        references,
        rules,
        min_rows,
    } = &input.contract;
    let mut lines = vec![match format {
        Format::Parquet => "parquet, columns by name".to_owned(),
        Format::Csv(csv) => {
            let order = if csv.header {
                "columns by header"
            } else {
                "no header, columns by order"
            };
            format!("csv, delimiter `{}`, {order}", char::from(csv.delimiter))
        }
    }];
    lines.push(format!("at least {min_rows} rows"));
    lines.extend(key.as_ref().map(key_line));
    lines.extend(references.iter().map(reference_line));
    lines.extend(
        rules
            .iter()
            .map(|rule| format!("{} {}: {}", severity(rule.severity), rule.name, rule.sql)),
    );
    Listing {
        title: format!("input {} ({})", input.name, source(input)),
        lines,
        header: header(&["column", "type", "read from", "meaning"]),
        rows: columns
            .iter()
            .map(|column| column_row(column, read_from(column)))
            .collect(),
    }
}

/// Describes an output: the effect of a run and the constraints as lines, the columns as a table.
fn output(job: &Job, output: &Output) -> Listing {
    let mut lines = output.description.iter().cloned().collect::<Vec<_>>();
    lines.push(match (output.mode, &output.window) {
        (Mode::Append, _) => "a run adds its rows".to_owned(),
        (Mode::Replace, None) => "a run replaces the whole table".to_owned(),
        (Mode::Replace, Some(window)) => format!(
            "a run replaces the whole table, or the window of {} from ${} to ${}",
            window.column, window.from, window.to
        ),
    });
    if !output.order_by.is_empty() {
        lines.push(format!("ordered by {}", output.order_by.join(", ")));
    }
    if let Some(input) = &output.rows_of {
        lines.push(format!("one row for each accepted row of {input}"));
    }
    if let Some(filter) = &output.filter {
        lines.push(format!("where {filter}"));
    }
    lines.extend(output.key.as_ref().map(key_line));
    lines.extend(output.references.iter().map(reference_line));
    let rows = output.columns.iter().map(|column| {
        let role = if output.partition_by.contains(&column.name) {
            "partition"
        } else if output.warnings.contains(&column.name) {
            "warning"
        } else {
            ""
        };
        column_row(column, role.to_owned())
    });
    Listing {
        title: format!("output {}.{}", job.name, output.name),
        lines,
        header: header(&["column", "type", "role", "meaning"]),
        rows: rows.collect(),
    }
}

/// Builds the table row of a column. The third cell is what the table shows there: the source or the role of the
/// column.
fn column_row(column: &Column, third: String) -> Vec<String> {
    let not_null = if column.nullable { "" } else { " not null" };
    vec![
        column.name.clone(),
        format!("{}{not_null}", column.kind),
        third,
        column.description.clone().unwrap_or_default(),
    ]
}

/// Describes how a column is read: field or folder, format and spellings. What equals the default is omitted.
fn read_from(column: &Column) -> String {
    let mut parts = Vec::new();
    match &column.origin {
        Origin::Field(field) if *field != column.name => parts.push(format!("field `{field}`")),
        Origin::Field(_) => {}
        Origin::Path(name) => parts.push(format!("folder `{name}=`")),
    }
    match &column.kind {
        ColumnType::Date { format } if format != "%Y-%m-%d" => parts.push(format.clone()),
        ColumnType::Timestamp { format, utc } => {
            if format != "%Y-%m-%d %H:%M:%S" {
                parts.push(format.clone());
            }
            if *utc {
                parts.push("UTC".to_owned());
            }
        }
        ColumnType::Boolean { yes, no } => {
            parts.push(format!("{} / {}", yes.join(", "), no.join(", ")));
        }
        _ => {}
    }
    parts.join(", ")
}

/// Returns the line about a key, such as `reject key: order_id`.
fn key_line(key: &Key) -> String {
    format!("{} key: {}", severity(key.severity), key.columns.join(", "))
}

/// Returns the line about a reference, such as `reject user_id references users`.
fn reference_line(reference: &Reference) -> String {
    format!("{} {}", severity(reference.severity), reference.rule())
}

/// Returns the severity as a contract spells it.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Reject => "reject",
        Severity::Warn => "warn",
    }
}

/// Returns the consequence of a failed check, by its severity.
fn outcome(severity: Severity) -> &'static str {
    match severity {
        Severity::Reject => "nothing is published",
        Severity::Warn => "reported",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundled;

    #[test]
    fn a_summary_says_what_is_read_and_written() {
        let job = bundled::job("user_transaction_analysis").unwrap();
        let summary = Summary::from(&job);
        assert_eq!(summary.inputs, ["rental_facts.rental_facts", "raw/users"]);
        assert_eq!(
            summary.outputs,
            [
                "daily_metrics",
                "user_metrics",
                "hourly_metrics",
                "day_of_week_metrics"
            ]
        );
    }

    #[test]
    fn a_description_shows_the_whole_contract() {
        let listings = listings(&bundled::job("rental_facts").unwrap());
        let titles = listings
            .iter()
            .map(|listing| listing.title.as_str())
            .collect::<Vec<_>>();
        assert_eq!(
            titles,
            [
                "parameters",
                "input locations (raw/locations)",
                "input users (raw/users)",
                "input vehicles (raw/vehicles)",
                "input rental_transactions (raw/rental_transactions)",
                "output rental_facts.rental_facts",
                "checks",
            ]
        );
        assert_eq!(
            listings[3].rows[4],
            ["expiration_date", "date", "%d-%m-%Y", ""]
        );
        assert_eq!(listings[2].rows[8][2], "1 / 0");
        assert!(
            listings[4]
                .lines
                .contains(&"reject user_id references users".to_owned())
        );
        assert_eq!(
            listings[5].rows[19][..3],
            ["rental_date", "date not null", "partition"]
        );
        for listing in &listings {
            assert!(
                listing
                    .rows
                    .iter()
                    .all(|row| row.len() == listing.header.len()),
                "{}",
                listing.title
            );
        }
    }
}
