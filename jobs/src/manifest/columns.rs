//! Reads columns: each is a type, such as `"decimal(12,2) not null"`, or a table with the key `type` and further keys.

use toml::de::DeValue;

use super::section::{NamedEntry, Section};
use super::section_kind::SectionKind;
use super::toml_document::{SpannedText, TomlDocument};
use super::type_name;
use crate::contract::{Column, ColumnType, Origin};
use crate::time_pattern::TimePattern;

/// Reads the columns of a contract, in the order of the file.
pub(super) fn columns(section: &Section<'_>, within: SectionKind) -> Vec<Column> {
    section
        .named("columns", "column")
        .iter()
        .map(|entry| column(section.document, entry, within))
        .collect()
}

/// Reads a column, which is a type or a table. If the type is invalid, it reports the problem and returns the column
/// with the type that was most likely meant.
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
                section.missing(
                    "type",
                    "add the key, for example `type = \"string not null\"`",
                );
            }
            section
                .text("type")
                .map(|text| written_type(document, entry.name, &text, Some(&section)))
        }
    };
    match written {
        Some((kind, nullable)) => (column.kind, column.nullable) = (kind, nullable),
        None => document.mark_untyped(entry.name),
    }
    column
}

/// Reads the source of a column's values from `from` or `path`. Without either key, it is the field that has the
/// column's name.
fn origin(section: &Section<'_>, name: &str) -> Origin {
    match (section.text("from"), section.text("path")) {
        (Some(from), Some(_)) => {
            section.report(
                &from.span,
                "a column cannot have both `from` and `path`",
                "remove `from` or `path`",
            );
            Origin::Field(from.value)
        }
        (Some(from), None) => Origin::Field(from.value),
        (None, Some(path)) => Origin::Path(path.value),
        (None, None) => Origin::Field(name.to_owned()),
    }
}

/// Reads the type of a parameter, and its format if the parameter is a table. Reports `not null`, because
/// a parameter has the key `required` instead.
pub(super) fn parameter_type(
    document: &TomlDocument<'_>,
    text: &SpannedText,
    section: Option<&Section<'_>>,
) -> ColumnType {
    let (kind, nullable) = written_type(document, "", text, section);
    if !nullable {
        document.report(
            &text.span,
            "a parameter's type cannot be `not null`",
            format!("write `{{ type = \"{kind}\", required = true }}` instead"),
        );
    }
    kind
}

/// Reads `<type> [not null]`, together with the other keys of the column's table if there is one. Returns the type, and
/// `true` if NULL is accepted.
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
            document.report(&text.span, fault.message, fault.hint);
            document.mark_untyped(name_of);
            (fault.guess, nullable)
        }
    }
}

/// Adds to a type what the column's table declares: the format, the zone, and the spellings of true and false. Keys
/// that do not apply to the type are reported.
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
            section.report(
                &value.span(),
                format!("`{key}` does not apply to type `{kind}`"),
                "remove the key, or correct the type",
            );
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
                    section.report(
                        &zone.span,
                        format!("`{}` is not a valid zone", zone.value),
                        "write `UTC`, or remove `zone` if the values are wall-clock times",
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

/// Reports a pattern that is invalid or does not suit its type.
fn pattern(
    section: &Section<'_>,
    text: &SpannedText,
    fits: impl FnOnce(&TimePattern) -> Result<(), crate::time_pattern::PatternError>,
) {
    if let Err(error) = TimePattern::parse(&text.value).and_then(|pattern| fits(&pattern)) {
        section.report(&text.span, error.to_string(), error.hint());
    }
}

/// Reads the texts that mean true and false. Reports a text that is in both lists.
fn spellings(section: &Section<'_>, yes: &mut Vec<String>, no: &mut Vec<String>) {
    for (key, spelt) in [("true", &mut *yes), ("false", &mut *no)] {
        let Some(value) = section.get(key) else {
            continue;
        };
        if matches!(value.get_ref(), DeValue::Array(items) if items.is_empty()) {
            section.report(
                &value.span(),
                format!("`{key}` is an empty array"),
                "list at least one string, or remove the key",
            );
        } else if let Some(texts) = section.texts(key) {
            *spelt = texts.into_iter().map(|text| text.value).collect();
        }
    }
    if let Some(both) = yes.iter().find(|text| no.contains(text)) {
        section.report(
            &section.name(),
            format!("`{both}` is listed in both `true` and `false`"),
            "remove the text from `true` or from `false`",
        );
    }
}
