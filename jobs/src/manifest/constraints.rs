//! Reads keys, references, severities and lists of column names, in the same way for inputs and outputs.

use toml::de::DeValue;

use super::section::{Section, toml_type};
use super::section_kind::SectionKind;
use super::toml_document::SpannedText;
use crate::contract::{Column, Key, Reference, Severity};
use crate::suggestion::suggestion;

/// Severities by their names in a `job.toml`.
pub(super) const SEVERITIES: &[(&str, Severity)] =
    &[("reject", Severity::Reject), ("warn", Severity::Warn)];

/// Reads a column name or a list of column names. Unknown and duplicate names are reported.
pub(super) fn column_names(section: &Section<'_>, key: &str, columns: &[Column]) -> Vec<String> {
    let texts = section.texts(key).unwrap_or_default();
    known_columns(section, &texts, columns);
    texts.into_iter().map(|text| text.value).collect()
}

/// Reports names for which `columns` has no column, and names that occur twice.
pub(super) fn known_columns(section: &Section<'_>, texts: &[SpannedText], columns: &[Column]) {
    for (at, text) in texts.iter().enumerate() {
        if !columns.iter().any(|column| column.name == text.value) {
            section.report(
                &text.span,
                format!("there is no column `{}`", text.value),
                suggestion(
                    &text.value,
                    columns.iter().map(|column| column.name.as_str()),
                ),
            );
        } else if texts[..at].iter().any(|before| before.value == text.value) {
            section.report(
                &text.span,
                format!("`{}` is listed twice", text.value),
                "remove one of the two",
            );
        }
    }
}

/// Reads `severity`, which is `reject` if the key is missing.
pub(super) fn severity(section: &Section<'_>) -> Severity {
    section.word("severity", SEVERITIES).unwrap_or_default()
}

/// Reads `key`: a column, a list of columns, or a table with columns and a severity.
pub(super) fn key(section: &Section<'_>, columns: &[Column]) -> Option<Key> {
    let value = section.get("key")?;
    let key = match value.get_ref() {
        DeValue::Table(table) => {
            let inner = Section::new(section.document, SectionKind::Key, table, &value.span());
            if inner.get("columns").is_none() {
                inner.missing(
                    "columns",
                    "name the columns of the key, for example `columns = \"rental_id\"`",
                );
            }
            Key {
                columns: column_names(&inner, "columns", columns),
                severity: severity(&inner),
            }
        }
        _ => Key {
            columns: column_names(section, "key", columns),
            severity: Severity::Reject,
        },
    };
    if key.columns.is_empty() {
        section.report(
            &value.span(),
            "a key needs at least one column",
            "name a column, or remove `key`",
        );
        return None;
    }
    Some(key)
}

/// A reference whose target is not checked yet, because the other datasets of the job are not read yet.
pub(super) struct UnresolvedReference {
    /// The reference as the `job.toml` states it. Its dataset and that dataset's columns may not exist.
    pub(super) reference: Reference,
    /// Text of the reference, with the span at which problems are reported.
    pub(super) text: SpannedText,
}

/// Reads `references`: strings `a, b -> dataset.a, dataset.b`, or tables with a severity.
pub(super) fn references(section: &Section<'_>, columns: &[Column]) -> Vec<UnresolvedReference> {
    let Some(value) = section.get("references") else {
        return Vec::new();
    };
    let items = match value.get_ref() {
        DeValue::Array(items) => items.iter().collect(),
        DeValue::String(_) => vec![value],
        _ => {
            section.report_type(value, "references", "an array");
            return Vec::new();
        }
    };
    items
        .into_iter()
        .filter_map(|item| {
            let (text, severity) = match item.get_ref() {
                DeValue::String(text) => (
                    SpannedText {
                        value: text.as_ref().to_owned(),
                        span: item.span(),
                    },
                    Severity::Reject,
                ),
                DeValue::Table(table) => {
                    let inner = Section::new(
                        section.document,
                        SectionKind::Reference,
                        table,
                        &item.span(),
                    );
                    if inner.get("columns").is_none() {
                        inner.missing("columns", FORM);
                    }
                    (inner.text("columns")?, severity(&inner))
                }
                other => {
                    section.report(
                        &item.span(),
                        format!(
                            "a reference is {}, expected a string or a table",
                            toml_type(other)
                        ),
                        FORM,
                    );
                    return None;
                }
            };
            let reference = parse_reference(&text.value, severity);
            if reference.is_none() {
                section.report(
                    &text.span,
                    format!("`{}` is not a valid reference", text.value),
                    FORM,
                );
            }
            let reference = reference?;
            let named = reference
                .columns
                .iter()
                .map(|column| SpannedText {
                    value: column.clone(),
                    span: text.span.clone(),
                })
                .collect::<Vec<_>>();
            known_columns(section, &named, columns);
            Some(UnresolvedReference { reference, text })
        })
        .collect()
}

/// Hint that shows how to write a reference.
const FORM: &str = "write `\"user_id -> users.user_id\"`, or `\"a, b -> dataset.a, dataset.b\"` for several columns";

/// Parses a reference such as `a, b -> dataset.a, dataset.b`; `None` if the text has another form.
fn parse_reference(text: &str, severity: Severity) -> Option<Reference> {
    let (from, to) = text.split_once("->")?;
    let columns = from
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect::<Vec<_>>();
    let targets = to
        .split(',')
        .map(|target| target.trim().split_once('.'))
        .collect::<Option<Vec<_>>>()?;
    let dataset = targets.first()?.0;
    let one_dataset = targets.iter().all(|(of, _)| *of == dataset);
    (one_dataset && columns.len() == targets.len() && !dataset.is_empty()).then(|| Reference {
        columns,
        dataset: dataset.to_owned(),
        to: targets
            .iter()
            .map(|(_, column)| (*column).to_owned())
            .collect(),
        severity,
    })
}
