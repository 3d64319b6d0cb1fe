//! Which fields of its input a state reads.

use serde_json::Value;

use crate::definition::choice::{Condition, Operand, Operator, Property};
use crate::definition::model::{DataPath, Kind, State, Wait};
use crate::definition::selector::{Selector, Setting, SettingSource};

/// Lists the first steps of the paths that a `JSONPath` state reads from its input.
pub(super) fn first_fields(state: &State, source: Option<&Value>) -> Vec<String> {
    // Behind an InputPath, paths start from what it selects.
    if let DataPath::Selected(selector) = &state.input_path {
        return first_step(&selector.text).into_iter().collect();
    }
    let mut fields = Vec::new();
    if let Some(parameters) = source.and_then(|source| source.get("Parameters")) {
        of_template(parameters, &mut fields);
    }
    match &state.kind {
        Kind::Choice(choice) => {
            for rule in &choice.rules {
                of_condition(&rule.condition, &mut fields);
            }
        }
        Kind::Wait(Wait::Seconds(setting) | Wait::Timestamp(setting)) => {
            fields.extend(of_setting(Some(setting)));
        }
        Kind::Fail(fail) => {
            fields.extend(of_setting(fail.error.as_ref()));
            fields.extend(of_setting(fail.cause.as_ref()));
        }
        _ => {}
    }
    fields
}

fn of_template(template: &Value, fields: &mut Vec<String>) {
    match template {
        Value::Object(values) => {
            for (name, value) in values {
                match value {
                    Value::String(path) if name.ends_with(".$") => fields.extend(first_step(path)),
                    value => of_template(value, fields),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| of_template(item, fields)),
        _ => {}
    }
}

fn of_setting(setting: Option<&Setting>) -> Option<String> {
    match setting?.source {
        SettingSource::Path(ref selector) => first_step(&selector.text),
        _ => None,
    }
}

fn of_condition(condition: &Condition, fields: &mut Vec<String>) {
    match condition {
        Condition::All(conditions) | Condition::Any(conditions) => {
            for condition in conditions {
                of_condition(condition, fields);
            }
        }
        Condition::Not(condition) => of_condition(condition, fields),
        // Whoever asks whether a field is there knows that it may be missing.
        Condition::Test {
            operator: Operator::Is(Property::Present),
            ..
        }
        | Condition::Literal(_)
        | Condition::Jsonata { .. } => {}
        Condition::Test {
            variable, operand, ..
        } => {
            fields.extend(first_step(&variable.text));
            if let Operand::Path(Selector { text, .. }) = operand {
                fields.extend(first_step(text));
            }
        }
    }
}

fn first_step(path: &str) -> Option<String> {
    let field = path.strip_prefix("$.")?.split(['.', '[']).next()?;
    (!field.is_empty() && field != "*").then(|| field.to_owned())
}
