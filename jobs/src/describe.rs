//! Descriptions of jobs as tables of text, for `drivetrain jobs` and `drivetrain jobs <name>`. Programs read the
//! serialized [`Job`] instead.

use serde::Serialize;

use crate::contract::{Column, ColumnType, Contract, Format, Key, Origin, Reference, Severity};
use crate::job::{CheckKind, Input, InputOrigin, Job, Mode, Output, Total};

/// Summary of a job, as `drivetrain jobs` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Name of the job, as its `job.toml` declares it.
    pub name: String,
    /// One sentence about the job, as its `job.toml` declares it; may be empty.
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
    /// Heading of the block, such as `input users (raw/users)`.
    pub title: String,
    /// Lines of text between the title and the table.
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
                CheckKind::Equal { .. } => "`expected` and `got` return the same row",
                CheckKind::NoRows(_) => "`no_rows` returns no row",
            };
            let run = if check.enabled {
                "in every run"
            } else {
                "with `--check <name>`"
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
            header: header(&["name", "holds if", "if it does not hold", "runs"]),
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
        Format::Parquet => "parquet, columns matched by name".to_owned(),
        Format::Csv(csv) => {
            let order = if csv.header {
                "columns matched by the names in the header"
            } else {
                "no header, columns matched by their order"
            };
            format!("csv, delimiter `{}`, {order}", char::from(csv.delimiter))
        }
    }];
    lines.push(format!("minimum number of data rows: {min_rows}"));
    lines.extend(key.as_ref().map(key_line));
    lines.extend(references.iter().map(reference_line));
    lines.extend(rules.iter().map(|rule| {
        format!(
            "rule {}: {} (severity `{}`)",
            rule.name,
            rule.sql,
            severity(rule.severity)
        )
    }));
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
        (Mode::Append, _) => "a run adds its rows to the existing ones".to_owned(),
        (Mode::Replace, None) => "a run replaces the whole table".to_owned(),
        (Mode::Replace, Some(window)) => format!(
            "a run that sets `{}` or `{}` replaces only the partitions of `{}` in that range; any other run replaces the whole table",
            window.from, window.to, window.column
        ),
    });
    if !output.order_by.is_empty() {
        lines.push(format!(
            "rows of a partition are sorted by {}",
            output.order_by.join(", ")
        ));
    }
    if let Some(input) = &output.rows_of {
        lines.push(format!(
            "each accepted row of input {input} gives exactly one row, unless `where` or the window leaves it out"
        ));
    }
    if let Some(filter) = &output.filter {
        lines.push(format!("only rows for which this is true: {filter}"));
    }
    lines.extend(output.key.as_ref().map(key_line));
    lines.extend(output.references.iter().map(reference_line));
    lines.extend(output.totals.iter().map(|total| {
        let Total { name, column } = total;
        format!("control total {name}: the sum of {column}")
    }));
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

/// Builds the table row of a column. `third` is the source of an input's column, or the role of an output's column.
fn column_row(column: &Column, third: String) -> Vec<String> {
    let not_null = if column.nullable { "" } else { " not null" };
    vec![
        column.name.clone(),
        format!("{}{not_null}", column.kind),
        third,
        column.description.clone().unwrap_or_default(),
    ]
}

/// Describes how a column is read: field or folder, format, spellings of booleans. A field name and a format that equal
/// their defaults are omitted.
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

/// Returns the line about a key, such as ``key: order_id (severity `reject`)``.
fn key_line(key: &Key) -> String {
    format!(
        "key: {} (severity `{}`)",
        key.columns.join(", "),
        severity(key.severity)
    )
}

/// Returns the line about a reference, such as ``user_id references users (severity `reject`)``.
fn reference_line(reference: &Reference) -> String {
    format!(
        "{} (severity `{}`)",
        reference.rule(),
        severity(reference.severity)
    )
}

/// Returns the severity as a contract spells it.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Reject => "reject",
        Severity::Warn => "warn",
    }
}

/// Returns the consequence for a run if a check of this severity does not hold.
fn outcome(severity: Severity) -> &'static str {
    match severity {
        Severity::Reject => "nothing is published",
        Severity::Warn => "the failure is only reported",
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
                .contains(&"user_id references users (severity `reject`)".to_owned())
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
