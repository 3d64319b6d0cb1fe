//! Finds the place in a definition that caused a failure.

use drivetrain_statemachine::Place;
use drivetrain_statemachine::trace::{Inside, Steps, Visit, VisitEnd};
use serde_json::Value;

/// Fields of a state that contain other states. A search for a field of the state skips them.
const INNER: [&str; 4] = ["Branches", "ItemProcessor", "Iterator", "States"];

/// The state, and if known the field, that caused a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureLocation {
    /// The name of the state.
    pub state: String,
    /// The field within the state, as a JSON pointer; empty if it is unknown.
    pub field: String,
    /// Line and column at which the field's value begins; if the field is unknown, at which the state begins.
    pub place: Place,
}

/// Returns the location of the failure that ended an execution: the innermost failed state, and the field that caused
/// it.
///
/// The field comes from the location in the event, or else from the words of the cause, or else from the name of the
/// error.
#[must_use]
pub fn locate_failure(steps: &Steps, text: &str) -> Option<FailureLocation> {
    let visit = failed(steps)?;
    let definition: Value = serde_json::from_str(text).ok()?;
    let (pointer, state) = find_state(&definition, &visit.state, "")?;
    let failure = visit.last_failure();
    let field = failure
        .and_then(|failure| {
            let named = failure.location.as_deref().map(pointer_of_location);
            let by_error = || field_of_error(state, failure.error.as_deref()?);
            named
                .or_else(|| field_in_cause(state, failure.cause.as_deref()?))
                .or_else(by_error)
        })
        .unwrap_or_default();
    Some(FailureLocation {
        state: visit.state.clone(),
        place: Place::of(text, &format!("{pointer}{field}")),
        field,
    })
}

/// Returns the visit of the innermost state that failed; `None` if the flow did not fail.
fn failed(steps: &Steps) -> Option<&Visit> {
    let visit = steps
        .iter()
        .next_back()
        .filter(|visit| visit.end == VisitEnd::Failed)?;
    let inner = match &visit.inside {
        Inside::Nothing => None,
        Inside::Branches(branches) => branches.iter().find_map(failed),
        Inside::Iterations(iterations) => {
            iterations.kept.iter().find_map(|kept| failed(&kept.steps))
        }
    };
    Some(inner.unwrap_or(visit))
}

/// Finds a state by its name, which is unique in a machine, at any depth; returns its JSON pointer and its value.
fn find_state<'v>(flow: &'v Value, name: &str, pointer: &str) -> Option<(String, &'v Value)> {
    let states = flow.get("States")?.as_object()?;
    if let Some(state) = states.get(name) {
        return Some((format!("{pointer}/States/{}", escaped(name)), state));
    }
    states.iter().find_map(|(outer, state)| {
        let pointer = format!("{pointer}/States/{}", escaped(outer));
        let branches = state.get("Branches").and_then(Value::as_array);
        let branches = branches.into_iter().flatten().enumerate();
        let mut flows = branches
            .map(|(index, branch)| (format!("{pointer}/Branches/{index}"), branch))
            .chain(
                ["ItemProcessor", "Iterator"]
                    .into_iter()
                    .filter_map(|field| Some((format!("{pointer}/{field}"), state.get(field)?))),
            );
        flows.find_map(|(pointer, flow)| find_state(flow, name, &pointer))
    })
}

/// Converts a location in AWS's notation into a JSON pointer: `Catch[0]/Output/x` into `/Catch/0/Output/x`.
fn pointer_of_location(location: &str) -> String {
    let steps = location.split('/').map(|step| {
        match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
            Some((field, index)) => format!("/{field}/{index}"),
            None => format!("/{step}"),
        }
    });
    steps.collect()
}

/// Returns the pointer to the field that a cause names or quotes. A history names the field only in this text, so AWS's
/// wordings are matched; a cause in other words has no pointer.
fn field_in_cause(state: &Value, cause: &str) -> Option<String> {
    let quoted: Vec<&str> = cause.split('\'').skip(1).step_by(2).collect();
    let named = |name: &str| find_field(state, "", &|key, _| key == name);
    let holding = |text: &str| find_field(state, "", &|_, value| value.as_str() == Some(text));
    let by_name = || {
        let mut keys = quoted.iter().filter(|text| text.ends_with(".$"));
        keys.find_map(|key| named(key))
    };
    // AWS quotes a whole call without escaping the quotes inside it, so the text cannot be split at quotes.
    let by_call = || {
        find_field(state, "", &|_, value| {
            let call = value.as_str().filter(|text| text.starts_with("States."));
            call.is_some_and(|call| cause.contains(call))
        })
    };
    let by_path = || {
        let mut paths = quoted.iter().filter(|text| text.starts_with('$'));
        paths.find_map(|path| holding(path))
    };
    // «The SecondsPath parameter references a negative value»
    let by_parameter = || {
        let (before, _) = cause.split_once(" parameter ")?;
        named(before.rsplit(' ').next()?)
    };
    // «Unable to apply step "b" to input»
    let by_step = || {
        let (_, behind) = cause.split_once("Unable to apply step \"")?;
        let (step, _) = behind.split_once('"')?;
        find_field(state, "", &|key, value| {
            let path = value.as_str().filter(|_| key.ends_with("Path"));
            path.is_some_and(|path| {
                path.split(['.', '\'', '[', ']', '"'])
                    .any(|one| one == step)
            })
        })
    };
    by_name()
        .or_else(by_call)
        .or_else(by_path)
        .or_else(by_parameter)
        .or_else(by_step)
}

/// Returns the pointer to the field that an error's name implies, if the state has that field.
fn field_of_error(state: &Value, error: &str) -> Option<String> {
    let field = match error {
        "States.ItemReaderFailed" => "ItemReader",
        "States.ResultWriterFailed" => "ResultWriter",
        _ => return None,
    };
    state.get(field).map(|_| format!("/{field}"))
}

/// Searches a state depth first, without its inner states; returns the pointer to the first field that satisfies
/// `is_meant`.
fn find_field(
    value: &Value,
    pointer: &str,
    is_meant: &dyn Fn(&str, &Value) -> bool,
) -> Option<String> {
    let fields: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(key, _)| !INNER.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (index.to_string(), item))
            .collect(),
        _ => return None,
    };
    fields.into_iter().find_map(|(key, value)| {
        let pointer = format!("{pointer}/{}", escaped(&key));
        if is_meant(&key, value) {
            Some(pointer)
        } else {
            find_field(value, &pointer, is_meant)
        }
    })
}

/// Escapes `~` and `/` in a name for use in a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_found_by_its_location_or_by_what_the_cause_quotes() {
        assert_eq!(
            pointer_of_location("Catch[0]/Output/x"),
            "/Catch/0/Output/x"
        );
        let state = json!({"InputPath": "$.gone", "Parameters": {"a": {"b.$": "$.x"}},
            "ItemProcessor": {"b.$": "$.gone"}});
        let cause = "The JSONPath '$.x' specified for the field 'b.$' could not be found";
        assert_eq!(
            field_in_cause(&state, cause).as_deref(),
            Some("/Parameters/a/b.$")
        );
        assert_eq!(
            field_in_cause(&state, "Invalid path '$.gone' : No results").as_deref(),
            Some("/InputPath")
        );
        assert_eq!(field_in_cause(&state, "something else"), None);
    }
}
