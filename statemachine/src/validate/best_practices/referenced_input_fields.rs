//! The fields that a state reads from its input.

use serde_json::Value;

use crate::definition::choice::{Condition, Operand, Operator, Property};
use crate::definition::field_values::Selector;
use crate::definition::model::{DataPath, State, StateKind};

/// The fields of a state that are templates. Inside a template, keys that end in `.$` may read the state's input.
const TEMPLATES: [&str; 6] = [
    "Parameters",
    "Credentials",
    "ItemSelector",
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
];

/// The fields of a state whose value may be a path into the state's input, or an intrinsic function call.
const PATHS: [&str; 10] = [
    "SecondsPath",
    "TimestampPath",
    "ErrorPath",
    "CausePath",
    "ItemsPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "MaxConcurrencyPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
];

/// Returns the input fields that a `JSONPath` state reads: the first field of each of the state's paths.
pub(super) fn first_fields(state: &State, source: Option<&Value>) -> Vec<String> {
    // With an InputPath, paths start from the value that it selects.
    if let DataPath::Selected(selector) = &state.input_path {
        return first_step(&selector.text).into_iter().collect();
    }
    let mut fields = Vec::new();
    for name in TEMPLATES {
        if let Some(template) = source.and_then(|source| source.get(name)) {
            of_template(template, &mut fields);
        }
    }
    for name in PATHS {
        let path = source.and_then(|source| source.get(name));
        if let Some(path) = path.and_then(Value::as_str) {
            of_text(path, &mut fields);
        }
    }
    if let StateKind::Choice(choice) = &state.kind {
        for rule in &choice.rules {
            of_condition(&rule.condition, &mut fields);
        }
    }
    fields
}

/// Adds the first fields of the paths in a payload template.
fn of_template(template: &Value, fields: &mut Vec<String>) {
    match template {
        Value::Object(values) => {
            for (name, value) in values {
                match value {
                    Value::String(path) if name.ends_with(".$") => of_text(path, fields),
                    value => of_template(value, fields),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| of_template(item, fields)),
        _ => {}
    }
}

/// Adds the first field of a path, or of each path among the arguments of an intrinsic function call.
fn of_text(text: &str, fields: &mut Vec<String>) {
    if text.starts_with('$') {
        fields.extend(first_step(text));
        return;
    }
    // Quoted texts hold no paths; escaped quotes do not end a text.
    let unescaped = text.replace("\\\\", "").replace("\\'", "");
    for outside in unescaped.split('\'').step_by(2) {
        let arguments = outside.split(['(', ',', ')']).map(str::trim);
        fields.extend(arguments.filter_map(first_step));
    }
}

/// Adds the first fields of the paths in a condition; a field that is tested for presence does not count.
fn of_condition(condition: &Condition, fields: &mut Vec<String>) {
    match condition {
        Condition::All(conditions) | Condition::Any(conditions) => {
            for condition in conditions {
                of_condition(condition, fields);
            }
        }
        Condition::Not(condition) => of_condition(condition, fields),
        // A test for presence expects that the field may be missing.
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

/// Returns the first field of a path into the input; `None` for other paths, and for one that starts with a wildcard.
fn first_step(path: &str) -> Option<String> {
    let field = path.strip_prefix("$.")?.split(['.', '[']).next()?;
    (!field.is_empty() && field != "*").then(|| field.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_reads_the_paths_among_its_arguments() {
        let mut fields = Vec::new();
        let call = r"States.Format('{} $.no, it\'s $.no', $.a.b, States.Array($.c, $$.Execution.Id, $v.x), '$.no')";
        of_text(call, &mut fields);
        assert_eq!(fields, ["a", "c"]);
    }
}
