//! `[checks.<name>]`: conditions that must hold before anything is published.

use super::constraints::severity;
use super::section::Section;
use super::section_kind::SectionKind;
use super::sql_source;
use crate::job::{Check, CheckKind, JobFile};

/// Reads all checks, in the order of the file.
pub(super) fn checks(top: &Section<'_>, files: &[JobFile]) -> Vec<Check> {
    top.named("checks", "check")
        .iter()
        .filter_map(|entry| {
            let section = entry.section(top.document, SectionKind::Check)?;
            let severity = severity(&section);
            let enabled = section.boolean("enabled").unwrap_or(true);
            let kind = kind(&section, files)?;
            Some(Check {
                name: entry.name.to_owned(),
                kind,
                severity,
                enabled,
            })
        })
        .collect()
}

/// Reads the condition of a check: two queries whose rows are compared, or one query that returns the violations.
fn kind(section: &Section<'_>, files: &[JobFile]) -> Option<CheckKind> {
    let written = |key: &str| section.get(key).is_some();
    match (written("expected"), written("got"), written("no_rows")) {
        (true, true, false) => {
            let expected = sql_source::query(section, "expected", files, None);
            let got = sql_source::query(section, "got", files, None);
            Some(CheckKind::Equal {
                expected: expected?,
                got: got?,
            })
        }
        (false, false, true) => Some(CheckKind::NoRows(sql_source::query(
            section, "no_rows", files, None,
        )?)),
        _ => {
            section.report(
                &section.name(),
                "a check needs either `expected` and `got`, or `no_rows`",
                "put a query that returns the violations into `no_rows`, or one-row queries into `expected` and `got`",
            );
            None
        }
    }
}
