//! `[parameters]`: values that a run may set.

use toml::de::DeValue;

use super::columns::parameter_type;
use super::section::{Section, toml_type};
use super::section_kind::SectionKind;
use crate::contract::ColumnType;
use crate::job::Parameter;
use crate::value_parser;

/// Reads all parameters, in the order of the file.
pub(super) fn parameters(top: &Section<'_>) -> Vec<Parameter> {
    top.named("parameters", "parameter")
        .iter()
        .filter_map(|entry| {
            let mut parameter = Parameter {
                name: entry.name.to_owned(),
                kind: ColumnType::String,
                default: None,
                required: false,
                description: None,
            };
            match entry.section_or_text(top.document, SectionKind::Parameter)? {
                Err(shorthand) => parameter.kind = parameter_type(top.document, &shorthand, None),
                Ok(section) => {
                    match section.text("type") {
                        Some(text) => {
                            parameter.kind = parameter_type(top.document, &text, Some(&section));
                        }
                        None if section.get("type").is_none() => {
                            section.missing("type", "add the key, for example `type = \"date\"`");
                        }
                        None => {}
                    }
                    parameter.required = section.boolean("required").unwrap_or(false);
                    parameter.description = section.text("description").map(|text| text.value);
                    parameter.default = default(&section, &parameter);
                }
            }
            Some(parameter)
        })
        .collect()
}

/// Reads the default of a parameter, which must be a value of its type.
fn default(section: &Section<'_>, parameter: &Parameter) -> Option<String> {
    let written = section.get("default")?;
    let text = match written.get_ref() {
        DeValue::String(text) => text.as_ref().to_owned(),
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(boolean) => boolean.to_string(),
        // The `T` of a TOML timestamp becomes a space, as the default format expects.
        DeValue::Datetime(moment) => moment.to_string().replace('T', " "),
        DeValue::Integer(_) => {
            section.report(
                &written.span(),
                "`default` is a hexadecimal, octal or binary number, expected a decimal one",
                "write the number in decimal, or as a string",
            );
            return None;
        }
        other => {
            section.report(
                &written.span(),
                format!(
                    "`default` is {}, expected a string, a number, a boolean or a date",
                    toml_type(other)
                ),
                "",
            );
            return None;
        }
    };
    if parameter.required {
        section.report(
            &written.span(),
            "a required parameter cannot have a default",
            "remove `default` or `required`",
        );
    }
    if let Err(message) = value_parser::parse(&parameter.kind, &text) {
        section.report(&written.span(), message, "");
    }
    Some(text)
}
