//! `[outputs.<name>]`: what a table holds, how it is laid out and what a run replaces.

use toml::de::DeValue;

use super::columns::columns;
use super::constraints::{self, UnresolvedReference, column_names};
use super::section::{NamedEntry, Section};
use super::section_kind::SectionKind;
use super::sql_source;
use super::toml_document::SpannedText;
use crate::contract::{Column, ColumnType};
use crate::job::{JobFile, Mode, Output, Parameter, Sql, Window};
use crate::suggestion::suggestion;

/// An output as written; what it refers to is checked once all datasets are known.
pub(super) struct UnresolvedOutput {
    pub(super) output: Output,
    pub(super) references: Vec<UnresolvedReference>,
    pub(super) rows_of: Option<SpannedText>,
}

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
        section.wrong(&section.name(), "a table has at least one column", "");
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
        section.wrong(
            &section.name(),
            "an appending table has no window",
            "`mode = \"replace\"` replaces the window",
        );
    }
    let rows_of = section.text("rows_of");
    let sql = sql_source::query(section, "sql", files, Some(entry.name));
    UnresolvedOutput {
        output: Output {
            name: entry.name.to_owned(),
            description: section.text("description").map(|text| text.value),
            // A query that is missing was reported, so the job is never built.
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
            partition_by,
            columns,
        },
        references,
        rows_of,
    }
}

fn partition_by(section: &Section<'_>, columns: &[Column]) -> Vec<String> {
    let names = column_names(section, "partition_by", columns);
    for (at, column) in columns.iter().enumerate() {
        if names.contains(&column.name)
            && !matches!(
                column.kind,
                ColumnType::String | ColumnType::Int | ColumnType::Bigint | ColumnType::Date { .. }
            )
        {
            section.wrong(
                &section
                    .get("partition_by")
                    .map_or(section.name(), toml::Spanned::span),
                format!(
                    "`{}` is `{}`, and no partition column",
                    columns[at].name, column.kind
                ),
                "partition columns are string, int, bigint or date",
            );
        }
    }
    for column in columns
        .iter()
        .filter(|column| column.nullable && names.contains(&column.name))
    {
        section.wrong(
            &section
                .get("partition_by")
                .map_or(section.name(), toml::Spanned::span),
            format!("partition column `{}` may be NULL", column.name),
            format!(
                "a row without it has no folder: write `{} not null`",
                column.kind
            ),
        );
    }
    if !names.is_empty() && columns.iter().all(|column| names.contains(&column.name)) {
        section.wrong(
            &section
                .get("partition_by")
                .map_or(section.name(), toml::Spanned::span),
            "every column is a partition column",
            "a Parquet file holds at least one column",
        );
    }
    names
}

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
        section.wrong(
            &name.span,
            format!("`{}` is the same in all of a partition", name.value),
            "leave it out of `order_by`",
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

fn warnings(section: &Section<'_>, columns: &[Column]) -> Vec<String> {
    let names = column_names(section, "warnings", columns);
    for column in columns.iter().filter(|column| names.contains(&column.name)) {
        if !matches!(column.kind, ColumnType::Boolean { .. }) {
            section.wrong(
                &section
                    .get("warnings")
                    .map_or(section.name(), toml::Spanned::span),
                format!(
                    "`{}` is `{}`, and a warning is `boolean`",
                    column.name, column.kind
                ),
                "",
            );
        }
    }
    names
}

/// Reads `window`: a partition column bounded by the parameters `from` and `to`, or a table that names others.
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
                inner.missing("column", "the partition column that is bounded");
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
        section.wrong(
            &span,
            format!("`{}` is no partition column", window.column),
            "a run can only replace whole partitions: name one of `partition_by`",
        );
        return Some(window);
    }
    let column = columns.iter().find(|column| column.name == window.column);
    for bound in [&window.from, &window.to] {
        match (
            parameters.iter().find(|parameter| parameter.name == *bound),
            column,
        ) {
            (None, _) => section.wrong(
                &span,
                format!("there is no parameter `{bound}` to bound the window"),
                suggestion(
                    bound,
                    parameters.iter().map(|parameter| parameter.name.as_str()),
                ),
            ),
            (Some(parameter), Some(column)) if parameter.kind.arrow() != column.kind.arrow() => {
                section.wrong(
                    &span,
                    format!(
                        "parameter `{bound}` is `{}`, and `{}` is `{}`",
                        parameter.kind, column.name, column.kind
                    ),
                    "give the parameter the column's type",
                );
            }
            _ => {}
        }
    }
    if window.from == window.to {
        section.wrong(&span, "both ends of the window are one parameter", "");
    }
    Some(window)
}
