//! A `job.toml` as its own text has it, before anything is looked up in other jobs.

use toml::de::{DeTable, DeValue};

use super::inputs::{self, UnresolvedInput};
use super::outputs::{self, UnresolvedOutput};
use super::section::Section;
use super::section_kind::SectionKind;
use super::toml_document::{SpannedText, TomlDocument};
use super::{checks, parameters, sql_source};
use crate::job::{Check, JobFile, Parameter, Table};
use crate::name;

/// A job as its own file has it, before anything is looked up elsewhere.
pub(super) struct UnresolvedJob {
    pub(super) name: SpannedText,
    pub(super) description: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) inputs: Vec<UnresolvedInput>,
    pub(super) tables: Vec<(Table, SpannedText)>,
    pub(super) outputs: Vec<(UnresolvedOutput, SpannedText)>,
    pub(super) checks: Vec<Check>,
}

pub(super) fn written(document: &TomlDocument<'_>, files: &[JobFile]) -> Option<UnresolvedJob> {
    let (table, errors) = DeTable::parse_recoverable(document.text);
    for error in &errors {
        document.wrong(
            &error.span().unwrap_or_default(),
            error.message().to_owned(),
            "",
        );
    }
    // What recovery made of a broken file would only repeat the problem in other words.
    if !errors.is_empty() {
        return None;
    }
    let top = Section::new(document, SectionKind::Job, table.get_ref(), &(0..0));
    let name = job_name(&top);
    let parameters = parameters::parameters(&top);
    let inputs = top
        .named("inputs", "input")
        .iter()
        .filter_map(|entry| {
            Some(inputs::input(
                entry,
                &entry.section(document, SectionKind::Input)?,
            ))
        })
        .collect();
    let tables = top
        .named("tables", "table")
        .iter()
        .filter_map(|entry| {
            let (sql, description) = match entry.section_or_text(document, SectionKind::Table)? {
                Err(text) => (sql_source::query_of(&top, &text, files)?, None),
                Ok(section) => (
                    sql_source::query(&section, "sql", files, Some(entry.name))?,
                    section.text("description").map(|text| text.value),
                ),
            };
            let name = SpannedText {
                value: entry.name.to_owned(),
                span: entry.span.clone(),
            };
            Some((
                Table {
                    name: entry.name.to_owned(),
                    description,
                    sql,
                },
                name,
            ))
        })
        .collect();
    let outputs = top
        .named("outputs", "output")
        .iter()
        .filter_map(|entry| {
            let section = entry.section(document, SectionKind::Output)?;
            let name = SpannedText {
                value: entry.name.to_owned(),
                span: entry.span.clone(),
            };
            Some((outputs::output(entry, &section, files, &parameters), name))
        })
        .collect();
    for (key, what) in [("inputs", "reads"), ("outputs", "writes")] {
        match top.get(key).map(toml::Spanned::get_ref) {
            None => top.missing(key, format!("a job {what} at least one dataset")),
            Some(DeValue::Table(entries)) if entries.is_empty() => {
                top.missing(key, format!("a job {what} at least one dataset"));
            }
            Some(_) => {}
        }
    }
    Some(UnresolvedJob {
        name,
        description: top
            .text("description")
            .map_or_else(String::new, |text| text.value),
        parameters,
        inputs,
        tables,
        outputs,
        checks: checks::checks(&top, files),
    })
}

fn job_name(top: &Section<'_>) -> SpannedText {
    let Some(text) = top.text("name") else {
        if top.get("name").is_none() {
            top.missing("name", "such as `name = \"daily_sales\"`");
        }
        return SpannedText {
            value: String::new(),
            span: 0..0,
        };
    };
    if !name::is_legal(&text.value) {
        top.wrong(
            &text.span,
            format!("`{}` is no name for a job", text.value),
            format!(
                "write `{}`: a lower-case letter, then lower-case letters, digits and `_`",
                name::legalize(&text.value)
            ),
        );
    } else if text.value == "raw" {
        top.wrong(
            &text.span,
            "a job cannot be called `raw`",
            "`raw/` is the folder of raw data",
        );
    }
    text
}
