//! A job as its own `job.toml` declares it, before links to other jobs are resolved.

use toml::de::{DeTable, DeValue};

use super::inputs::{self, UnresolvedInput};
use super::outputs::{self, UnresolvedOutput};
use super::section::Section;
use super::section_kind::SectionKind;
use super::toml_document::{SpannedText, TomlDocument};
use super::{checks, intermediate_tables, parameters};
use crate::job::{Check, JobFile, Parameter, Table};
use crate::name;

/// A job whose links to other jobs are not resolved yet.
pub(super) struct UnlinkedJob {
    /// Name of the job, with its span; empty if the key is missing.
    pub(super) name: SpannedText,
    /// Description of the job, empty if the key is missing.
    pub(super) description: String,
    /// Parameters, in the order of the file.
    pub(super) parameters: Vec<Parameter>,
    /// Inputs, in the order of the file.
    pub(super) inputs: Vec<UnresolvedInput>,
    /// Intermediate tables, each with the span of its name.
    pub(super) tables: Vec<(Table, SpannedText)>,
    /// Outputs, each with the span of its name.
    pub(super) outputs: Vec<(UnresolvedOutput, SpannedText)>,
    /// Checks, in the order of the file.
    pub(super) checks: Vec<Check>,
}

/// Reads a job from the text of its `job.toml`; `None` if the text is not valid TOML.
pub(super) fn read_job(document: &TomlDocument<'_>, files: &[JobFile]) -> Option<UnlinkedJob> {
    let (table, errors) = DeTable::parse_recoverable(document.text);
    for error in &errors {
        document.report(
            &error.span().unwrap_or_default(),
            error.message().to_owned(),
            "",
        );
    }
    // The parser recovers some entries from invalid TOML. Checking them would report only consequences of the syntax
    // error.
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
    let tables = intermediate_tables::tables(&top, files);
    let outputs = top
        .named("outputs", "output")
        .iter()
        .filter_map(|entry| {
            let section = entry.section(document, SectionKind::Output)?;
            let output = outputs::output(entry, &section, files, &parameters);
            Some((output, entry.name_text()))
        })
        .collect();
    for (key, what) in [("inputs", "reads"), ("outputs", "writes")] {
        match top.get(key).map(toml::Spanned::get_ref) {
            None => top.missing(key, format!("add at least one dataset that the job {what}")),
            Some(DeValue::Table(entries)) if entries.is_empty() => {
                top.missing(key, format!("add at least one dataset that the job {what}"));
            }
            Some(_) => {}
        }
    }
    Some(UnlinkedJob {
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

/// Reads the name of the job. An invalid name is reported, but returned as well.
fn job_name(top: &Section<'_>) -> SpannedText {
    let Some(text) = top.text("name") else {
        if top.get("name").is_none() {
            top.missing("name", "add the key, for example `name = \"daily_sales\"`");
        }
        return SpannedText {
            value: String::new(),
            span: 0..0,
        };
    };
    if !name::is_legal(&text.value) {
        top.report(
            &text.span,
            format!("`{}` is not a valid job name", text.value),
            format!(
                "write `{}`: a name begins with a lower-case letter and has only lower-case letters, digits and `_`",
                name::legalize(&text.value)
            ),
        );
    } else if text.value == "raw" {
        top.report(
            &text.span,
            "a job cannot have the name `raw`",
            "choose another name: `raw/` is the folder of the raw data",
        );
    }
    text
}
