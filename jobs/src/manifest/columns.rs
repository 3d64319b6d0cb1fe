//! Columns and types: `"decimal(12,2) not null"`, or a table with a format, spellings and a place.

use toml::de::DeValue;

use super::section::{NamedEntry, Section};
use super::section_kind::SectionKind;
use super::toml_document::{SpannedText, TomlDocument};
use super::type_name;
use crate::contract::{Column, ColumnType, Origin};
use crate::time_pattern::TimePattern;

/// Reads the columns of a contract in the order of the file.
pub(super) fn columns(section: &Section<'_>, within: SectionKind) -> Vec<Column> {
    section
        .named("columns", "column")
        .iter()
        .map(|entry| column(section.document, entry, within))
        .collect()
}

fn column(document: &TomlDocument<'_>, entry: &NamedEntry<'_>, within: SectionKind) -> Column {
    let mut column = Column {
        name: entry.name.to_owned(),
        kind: ColumnType::String,
        nullable: true,
        origin: Origin::Field(entry.name.to_owned()),
        description: None,
    };
    let written = match entry.section_or_text(document, within) {
        None => None,
        Some(Err(shorthand)) => Some(written_type(document, entry.name, &shorthand, None)),
        Some(Ok(section)) => {
            column.description = section.text("description").map(|text| text.value);
            if within == SectionKind::InputColumn {
                column.origin = origin(&section, entry.name);
            }
            if section.get("type").is_none() {
                section.missing("type", "such as `type = \"string not null\"`");
            }
            section
                .text("type")
                .map(|text| written_type(document, entry.name, &text, Some(&section)))
        }
    };
    match written {
        Some((kind, nullable)) => (column.kind, column.nullable) = (kind, nullable),
        None => document.no_type_for(entry.name),
    }
    column
}

fn origin(section: &Section<'_>, name: &str) -> Origin {
    match (section.text("from"), section.text("path")) {
        (Some(from), Some(_)) => {
            section.wrong(&from.span, "a column has `from` or `path`, not both", "");
            Origin::Field(from.value)
        }
        (Some(from), None) => Origin::Field(from.value),
        (None, Some(path)) => Origin::Path(path.value),
        (None, None) => Origin::Field(name.to_owned()),
    }
}

/// The type of a parameter: no `not null`, and a format at most.
pub(super) fn parameter_type(
    document: &TomlDocument<'_>,
    text: &SpannedText,
    section: Option<&Section<'_>>,
) -> ColumnType {
    let (kind, nullable) = written_type(document, "", text, section);
    if !nullable {
        document.wrong(
            &text.span,
            "a parameter's type has no `not null`",
            "write `required = true`",
        );
    }
    kind
}

/// Reads `<type> [not null]`, with the keys of the table around it, if there is one.
fn written_type(
    document: &TomlDocument<'_>,
    name_of: &str,
    text: &SpannedText,
    section: Option<&Section<'_>>,
) -> (ColumnType, bool) {
    let words = text.value.trim();
    let (name, nullable) = match words.strip_suffix("not null") {
        Some(name) if name.ends_with([' ', ')']) => (name.trim_end(), false),
        _ => (words, true),
    };
    match type_name::parse(name) {
        Ok(kind) => {
            let kind = match section {
                Some(section) => with_details(kind, section),
                None => kind,
            };
            (kind, nullable)
        }
        Err(fault) => {
            document.wrong(&text.span, fault.message, fault.hint);
            document.no_type_for(name_of);
            (fault.guess, nullable)
        }
    }
}

/// Adds the format, zone and spellings of a table; a key that the type does not have is a problem.
fn with_details(mut kind: ColumnType, section: &Section<'_>) -> ColumnType {
    let takes: &[&str] = match kind {
        ColumnType::Date { .. } => &["format"],
        ColumnType::Timestamp { .. } => &["format", "zone"],
        ColumnType::Boolean { .. } => &["true", "false"],
        _ => &[],
    };
    for key in ["format", "zone", "true", "false"] {
        if let Some(value) = section.get(key)
            && !takes.contains(&key)
        {
            section.wrong(&value.span(), format!("`{kind}` has no `{key}`"), "");
        }
    }
    match &mut kind {
        ColumnType::Date { format } => {
            if let Some(text) = section.text("format") {
                pattern(section, &text, TimePattern::gives_a_date);
                *format = text.value;
            }
        }
        ColumnType::Timestamp { format, utc } => {
            if let Some(zone) = section.text("zone") {
                if zone.value != "UTC" {
                    section.wrong(
                        &zone.span,
                        format!("unknown zone `{}`", zone.value),
                        "`UTC`, or no zone for wall-clock times",
                    );
                }
                *utc = true;
            }
            if let Some(text) = section.text("format") {
                pattern(section, &text, |pattern| pattern.gives_a_timestamp(*utc));
                *format = text.value;
            }
        }
        ColumnType::Boolean { yes, no } => spellings(section, yes, no),
        _ => {}
    }
    kind
}

fn pattern(
    section: &Section<'_>,
    text: &SpannedText,
    fits: impl FnOnce(&TimePattern) -> Result<(), crate::time_pattern::PatternError>,
) {
    if let Err(error) = TimePattern::parse(&text.value).and_then(|pattern| fits(&pattern)) {
        section.wrong(&text.span, error.to_string(), error.hint());
    }
}

fn spellings(section: &Section<'_>, yes: &mut Vec<String>, no: &mut Vec<String>) {
    for (key, spelt) in [("true", &mut *yes), ("false", &mut *no)] {
        let Some(value) = section.get(key) else {
            continue;
        };
        if matches!(value.get_ref(), DeValue::Array(items) if items.is_empty()) {
            section.wrong(&value.span(), format!("`{key}` is empty"), "");
        } else if let Some(texts) = section.texts(key) {
            *spelt = texts.into_iter().map(|text| text.value).collect();
        }
    }
    if let Some(both) = yes.iter().find(|text| no.contains(text)) {
        section.wrong(
            &section.name(),
            format!("`{both}` means both true and false"),
            "",
        );
    }
}
