//! `[outputs.<name>]`: the columns of a table, its layout, and what a run replaces.

use toml::de::DeValue;

use super::columns::columns;
use super::constraints::{self, UnresolvedReference, column_names};
use super::section::{NamedEntry, Section};
use super::section_kind::SectionKind;
use super::sql_source;
use super::toml_document::SpannedText;
use crate::contract::{Column, ColumnType};
use crate::job::{JobFile, Mode, Output, Parameter, Sql, Total, Window};
use crate::suggestion::suggestion;

/// An output before its references are checked, which happens once all datasets are known.
pub(super) struct UnresolvedOutput {
    /// The output as the `job.toml` declares it.
    pub(super) output: Output,
    /// References of the output, with their spans in the file.
    pub(super) references: Vec<UnresolvedReference>,
    /// Value of `rows_of` with its span; `None` if the key is missing.
    pub(super) rows_of: Option<SpannedText>,
}

/// Reads an output: its query, its columns, its constraints and what a run replaces.
pub(super) fn output(
    entry: &NamedEntry<'_>,
    section: &Section<'_>,
    files: &[JobFile],
    parameters: &[Parameter],
) -> UnresolvedOutput {
    let columns = columns(section, SectionKind::OutputColumn);
    if section.get("columns").is_none() {
        section.missing("columns", "list the columns of the query with their types");
    } else if columns.is_empty() {
        section.report(
            &section.name(),
            "an output needs at least one column",
            "list the columns of the query with their types",
        );
    }
    let partition_by = partition_by(section, &columns);
    let references = constraints::references(section, &columns);
    let mode = section
        .word(
            "mode",
            &[("replace", Mode::Replace), ("append", Mode::Append)],
        )
        .unwrap_or_default();
    let window = window(section, &columns, &partition_by, parameters);
    if mode == Mode::Append && window.is_some() {
        section.report(
            &section.name(),
            "an output with `mode = \"append\"` cannot have a window",
            "remove `window`, or write `mode = \"replace\"`",
        );
    }
    let rows_of = section.text("rows_of");
    let sql = sql_source::query(section, "sql", files, Some(entry.name));
    UnresolvedOutput {
        output: Output {
            name: entry.name.to_owned(),
            description: section.text("description").map(|text| text.value),
            // The placeholder is never used: a missing query was reported, so the job is not returned.
            sql: sql.unwrap_or(Sql {
                file: section.document.file.to_owned(),
                line: 1,
                text: String::new(),
            }),
            order_by: order_by(section, &columns, &partition_by),
            key: constraints::key(section, &columns),
            references: references
                .iter()
                .map(|written| written.reference.clone())
                .collect(),
            mode,
            window,
            rows_of: rows_of.as_ref().map(|text| text.value.clone()),
            filter: section.text("where").map(|text| text.value),
            warnings: warnings(section, &columns),
            totals: totals(section, &columns, &partition_by),
            partition_by,
            columns,
        },
        references,
        rows_of,
    }
}

/// Reads `partition_by`. Columns that cannot become folders are reported.
fn partition_by(section: &Section<'_>, columns: &[Column]) -> Vec<String> {
    let names = column_names(section, "partition_by", columns);
    for (at, column) in columns.iter().enumerate() {
        if names.contains(&column.name)
            && !matches!(
                column.kind,
                ColumnType::String | ColumnType::Int | ColumnType::Bigint | ColumnType::Date { .. }
            )
        {
            section.report(
                &section
                    .get("partition_by")
                    .map_or(section.name(), toml::Spanned::span),
                format!(
                    "partition column `{}` has the type `{}`, expected `string`, `int`, `bigint` or `date`",
                    columns[at].name, column.kind
                ),
                "change the column's type, or partition by another column",
            );
        }
    }
    for column in columns
        .iter()
        .filter(|column| column.nullable && names.contains(&column.name))
    {
        section.report(
            &section
                .get("partition_by")
                .map_or(section.name(), toml::Spanned::span),
            format!("partition column `{}` can be NULL", column.name),
            format!(
                "write `{} not null`: a row without a value has no folder",
                column.kind
            ),
        );
    }
    if !names.is_empty() && columns.iter().all(|column| names.contains(&column.name)) {
        section.report(
            &section
                .get("partition_by")
                .map_or(section.name(), toml::Spanned::span),
            "every column is a partition column",
            "remove a column from `partition_by`: a Parquet file needs at least one column",
        );
    }
    names
}

/// Reads `order_by`. Unknown columns and partition columns are reported.
fn order_by(section: &Section<'_>, columns: &[Column], partition_by: &[String]) -> Vec<String> {
    let texts = section.texts("order_by").unwrap_or_default();
    let names = texts
        .iter()
        .map(|text| SpannedText {
            value: text
                .value
                .strip_suffix(" desc")
                .unwrap_or(&text.value)
                .trim()
                .to_owned(),
            span: text.span.clone(),
        })
        .collect::<Vec<_>>();
    constraints::known_columns(section, &names, columns);
    for name in names
        .iter()
        .filter(|name| partition_by.contains(&name.value))
    {
        section.report(
            &name.span,
            format!(
                "`order_by` names the partition column `{}`, which has the same value in all rows of a partition",
                name.value
            ),
            "remove the column from `order_by`",
        );
    }
    texts
        .iter()
        .zip(names)
        .map(|(text, name)| {
            if text.value.ends_with(" desc") {
                format!("{} desc", name.value)
            } else {
                name.value
            }
        })
        .collect()
}

/// Reads `warnings`. Columns that are not boolean are reported.
fn warnings(section: &Section<'_>, columns: &[Column]) -> Vec<String> {
    let names = column_names(section, "warnings", columns);
    for column in columns.iter().filter(|column| names.contains(&column.name)) {
        if !matches!(column.kind, ColumnType::Boolean { .. }) {
            section.report(
                &section
                    .get("warnings")
                    .map_or(section.name(), toml::Spanned::span),
                format!(
                    "`{}` is listed in `warnings`, but has the type `{}`, expected `boolean`",
                    column.name, column.kind
                ),
                "list a boolean column, for example one that the query returns as `amount < 0 as is_negative`",
            );
        }
    }
    names
}

/// Reads `totals`: names with the columns to sum. Columns that have no sum are reported.
fn totals(section: &Section<'_>, columns: &[Column], partition_by: &[String]) -> Vec<Total> {
    let mut totals = Vec::new();
    for entry in section.named("totals", "total") {
        let DeValue::String(column) = entry.value.get_ref() else {
            section.report_type(entry.value, entry.name, "the name of a column");
            continue;
        };
        let text = SpannedText {
            value: column.as_ref().to_owned(),
            span: entry.value.span(),
        };
        constraints::known_columns(section, std::slice::from_ref(&text), columns);
        let found = columns.iter().find(|column| column.name == text.value);
        if let Some(found) = found
            && !matches!(
                found.kind,
                ColumnType::Int | ColumnType::Bigint | ColumnType::Decimal { .. }
            )
        {
            section.report(
                &text.span,
                format!(
                    "the total `{}` sums column `{}`, which has the type `{}`, expected `int`, `bigint` or `decimal`",
                    entry.name, found.name, found.kind
                ),
                "name a column of such a type",
            );
        } else if partition_by.contains(&text.value) {
            section.report(
                &text.span,
                format!(
                    "the total `{}` sums the partition column `{}`, which no file contains",
                    entry.name, text.value
                ),
                "name a column that is not in `partition_by`",
            );
        }
        totals.push(Total {
            name: entry.name.to_owned(),
            column: text.value,
        });
    }
    totals
}

/// Reads `window`: a partition column whose values the parameters `from` and `to` limit, or a table that names other
/// parameters.
fn window(
    section: &Section<'_>,
    columns: &[Column],
    partition_by: &[String],
    parameters: &[Parameter],
) -> Option<Window> {
    let value = section.get("window")?;
    let span = value.span();
    let window = match value.get_ref() {
        DeValue::Table(table) => {
            let inner = Section::new(section.document, SectionKind::Window, table, &span);
            if inner.get("column").is_none() {
                inner.missing(
                    "column",
                    "name the partition column whose values the window limits",
                );
            }
            let named = |key: &str| {
                inner
                    .text(key)
                    .map_or_else(|| key.to_owned(), |text| text.value)
            };
            Window {
                column: inner.text("column")?.value,
                from: named("from"),
                to: named("to"),
            }
        }
        _ => Window {
            column: section.text("window")?.value,
            from: "from".to_owned(),
            to: "to".to_owned(),
        },
    };
    if !partition_by.contains(&window.column) {
        section.report(
            &span,
            format!(
                "window column `{}` is not a partition column",
                window.column
            ),
            "name a column of `partition_by`, because a run replaces whole partitions",
        );
        return Some(window);
    }
    let column = columns.iter().find(|column| column.name == window.column);
    for bound in [&window.from, &window.to] {
        match (
            parameters.iter().find(|parameter| parameter.name == *bound),
            column,
        ) {
            (None, _) => section.report(
                &span,
                format!("the window needs the parameter `{bound}`, which `[parameters]` does not declare"),
                match column {
                    Some(column) if parameters.is_empty() => {
                        format!("add `{bound} = \"{}\"` to `[parameters]`", column.kind)
                    }
                    _ => suggestion(
                        bound,
                        parameters.iter().map(|parameter| parameter.name.as_str()),
                    ),
                },
            ),
            (Some(parameter), Some(column)) if parameter.kind.arrow() != column.kind.arrow() => {
                section.report(
                    &span,
                    format!(
                        "parameter `{bound}` has the type `{}`, but window column `{}` has the type `{}`",
                        parameter.kind, column.name, column.kind
                    ),
                    "give the parameter the column's type",
                );
            }
            _ => {}
        }
    }
    if window.from == window.to {
        section.report(
            &span,
            "`from` and `to` of the window name the same parameter",
            "name two different parameters",
        );
    }
    Some(window)
}
