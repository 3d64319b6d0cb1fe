//! Columns and types: `"decimal(12,2) not null"`, or a table with a format, spellings and a place.

use toml::de::DeValue;

use super::keys::Part;
use super::section::{Document, Named, Section, Text};
use crate::contract::{Column, ColumnType, Origin};
use crate::format::TimePattern;
use crate::name::nearest;

/// Reads the columns of a contract in the order of the file.
pub(super) fn columns(section: &Section<'_>, part: Part) -> Vec<Column> {
    section
        .named("columns", "column")
        .iter()
        .map(|entry| column(section.document, entry, part))
        .collect()
}

fn column(document: &Document<'_>, entry: &Named<'_>, part: Part) -> Column {
    let mut column = Column {
        name: entry.name.to_owned(),
        kind: ColumnType::String,
        nullable: true,
        origin: Origin::Field(entry.name.to_owned()),
        description: None,
    };
    match entry.section_or_text(document, part) {
        None => {}
        Some(Err(shorthand)) => {
            (column.kind, column.nullable) = written_type(document, &shorthand, None)
        }
        Some(Ok(section)) => {
            match section.text("type") {
                Some(text) => {
                    (column.kind, column.nullable) = written_type(document, &text, Some(&section))
                }
                None if section.get("type").is_none() => {
                    section.missing("type", "such as `type = \"string not null\"`")
                }
                None => {}
            }
            column.description = section.text("description").map(|text| text.value);
            if part == Part::InputColumn {
                column.origin = origin(&section, entry.name);
            }
        }
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
    document: &Document<'_>,
    text: &Text,
    section: Option<&Section<'_>>,
) -> ColumnType {
    let (kind, nullable) = written_type(document, text, section);
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
    document: &Document<'_>,
    text: &Text,
    section: Option<&Section<'_>>,
) -> (ColumnType, bool) {
    let words = text.value.trim();
    let (name, nullable) = match words.strip_suffix("not null") {
        Some(name) if name.ends_with([' ', ')']) => (name.trim_end(), false),
        _ => (words, true),
    };
    let kind = base_type(document, text, name).map_or(ColumnType::String, |kind| match section {
        Some(section) => with_details(kind, section),
        None => kind,
    });
    (kind, nullable)
}

fn base_type(document: &Document<'_>, text: &Text, name: &str) -> Option<ColumnType> {
    let kind = match name {
        "string" => ColumnType::String,
        "int" => ColumnType::Int,
        "bigint" => ColumnType::Bigint,
        "double" => ColumnType::Double,
        "date" => ColumnType::Date {
            format: DATE.to_owned(),
        },
        "timestamp" => ColumnType::Timestamp {
            format: TIMESTAMP.to_owned(),
            utc: false,
        },
        "boolean" => ColumnType::Boolean {
            yes: vec!["true".to_owned()],
            no: vec!["false".to_owned()],
        },
        _ => return decimal(document, text, name),
    };
    Some(kind)
}

const DATE: &str = "%Y-%m-%d";
const TIMESTAMP: &str = "%Y-%m-%d %H:%M:%S";

fn decimal(document: &Document<'_>, text: &Text, name: &str) -> Option<ColumnType> {
    let Some(digits) = name.strip_prefix("decimal") else {
        document.wrong(
            &text.span,
            format!("unknown type `{name}`"),
            type_hint(name),
        );
        return None;
    };
    let numbers = digits
        .trim()
        .strip_prefix('(')
        .and_then(|digits| digits.strip_suffix(')'))
        .and_then(|digits| digits.split_once(','))
        .and_then(|(precision, scale)| {
            Some((
                precision.trim().parse::<u8>().ok()?,
                scale.trim().parse::<u8>().ok()?,
            ))
        });
    match numbers {
        Some((precision, scale)) if (1..=38).contains(&precision) && scale <= precision => {
            Some(ColumnType::Decimal { precision, scale })
        }
        Some((precision, scale)) => {
            document.wrong(
                &text.span,
                format!("`decimal({precision},{scale})` does not exist"),
                "at most 38 digits in all, and no more after the point than in all",
            );
            None
        }
        None => {
            document.wrong(
                &text.span,
                format!("`{name}` does not say how many digits"),
                "write `decimal(12,2)`: 12 digits in all, 2 of them after the point",
            );
            None
        }
    }
}

fn type_hint(name: &str) -> String {
    let lower = name.to_lowercase();
    let base = lower.split(['(', ' ']).next().unwrap_or_default();
    let meant = match base {
        "text" | "varchar" | "char" | "str" | "utf8" => Some("string"),
        "integer" | "int32" | "int4" | "smallint" | "tinyint" => Some("int"),
        "long" | "int64" | "int8" => Some("bigint"),
        "float" | "float64" | "real" | "float8" => Some("double"),
        "numeric" | "number" | "money" => Some("decimal(12,2)"),
        "datetime" | "timestamptz" => Some("timestamp"),
        "bool" => Some("boolean"),
        _ => nearest(base, TYPES),
    };
    match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "types are string, int, bigint, double, decimal(p,s), date, timestamp and boolean, each with or without `not null`".to_owned(),
    }
}

const TYPES: [&str; 8] = [
    "string",
    "int",
    "bigint",
    "double",
    "decimal",
    "date",
    "timestamp",
    "boolean",
];

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
            section.wrong(&value.span(), format!("a `{kind}` has no `{key}`"), "");
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
    text: &Text,
    fits: impl FnOnce(&TimePattern) -> Result<(), crate::format::PatternError>,
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
