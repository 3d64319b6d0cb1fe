//! `[tables]`: intermediate results, which a run computes but does not publish.

use super::section::Section;
use super::section_kind::SectionKind;
use super::sql_source;
use super::toml_document::SpannedText;
use crate::job::{JobFile, Table};

/// Reads all intermediate tables in the order of the file, each with the span of its name for later problems.
pub(super) fn tables(top: &Section<'_>, files: &[JobFile]) -> Vec<(Table, SpannedText)> {
    top.named("tables", "table")
        .iter()
        .filter_map(|entry| {
            let (sql, description) =
                match entry.section_or_text(top.document, SectionKind::Table)? {
                    Err(text) => (sql_source::query_of(top, &text, files)?, None),
                    Ok(section) => (
                        sql_source::query(&section, "sql", files, Some(entry.name))?,
                        section.text("description").map(|text| text.value),
                    ),
                };
            let table = Table {
                name: entry.name.to_owned(),
                description,
                sql,
            };
            Some((table, entry.name_text()))
        })
        .collect()
}
