//! The Pass state, and a faster way to run it that moves data instead of copying it.
//!
//! The raw input of a Pass state is not read once its output is built, because the state has no retriers and no
//! catchers. So most of its data can be moved. The output equals that of the general code in `state.rs`; a fuzz target
//! and tests compare both. Rejected: shared copy-on-write values in place of `serde_json::Value`, because every
//! function and the public API would need their own value type.

use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::definition::field_values::Payload;
use crate::definition::model::{DataPath, ResultPath, State, StateKind};
use crate::engine::attempt::{Attempt, FieldData};
use crate::engine::failure::Failure;
use crate::engine::output_checks::{TOO_DEEP, within_limit, without_place};
use crate::engine::state_data::StateData;
use crate::engine::states::work_result::WorkResult;
use crate::json_text::{DEEPEST, JsonText, Refused};
use crate::jsonpath::ReferencePath;
use crate::payload_size::PAYLOAD_LIMIT_BYTES;
use crate::template::{PAYLOAD_TOO_DEEP, Template};

/// Returns the state's `Result`, or its effective input if there is none.
pub(crate) fn perform<'a>(attempt: &Attempt<'a>, result: Option<&Value>) -> WorkResult<'a> {
    WorkResult::of(attempt.state, result.cloned(), false)
}

/// Returns `true` if the state is a Pass whose output can be built by moving its raw input.
pub(crate) fn can_move(state: &State) -> bool {
    let plain = state.language == QueryLanguage::JsonPath
        && matches!(state.input_path, DataPath::Whole)
        && matches!(state.output_path, DataPath::Whole)
        && state.assign.is_none();
    plain
        && matches!(
            (&state.kind, &state.parameters, &state.result_path),
            (
                StateKind::Pass(None),
                Some(_),
                ResultPath::Replace | ResultPath::Insert(..)
            ) | (StateKind::Pass(Some(_)), None, ResultPath::Insert(..))
        )
}

/// Builds the output of a state for which [`can_move`] is `true`.
pub(crate) fn perform_by_moving(
    attempt: &Attempt<'_>,
    raw: StateData,
) -> Result<StateData, Failure> {
    let state = attempt.state;
    if let (Some(Payload::JsonPath(template)), ResultPath::Replace) =
        (&state.parameters, &state.result_path)
    {
        return from_template(attempt, template, raw);
    }
    let made = match (&state.parameters, &state.kind) {
        (Some(parameters), _) => {
            attempt.payload(parameters, "Parameters", FieldData::of(raw.value()))?
        }
        (None, StateKind::Pass(Some(result))) => result.clone(),
        (None, _) => return Ok(raw),
    };
    match &state.result_path {
        ResultPath::Insert(text, path) => inserted(attempt, raw, text, path, made),
        _ => within_limit(attempt, made, TOO_DEEP, |made| {
            whole_text(made, raw.into_parts().1)
        }),
    }
}

/// Inserts a result into the raw input. If the result becomes a new last field, its text is appended to the raw input's
/// text, so that the rest is not written again.
fn inserted(
    attempt: &Attempt<'_>,
    raw: StateData,
    text: &str,
    path: &ReferencePath,
    made: Value,
) -> Result<StateData, Failure> {
    let builder = raw.builder();
    let (mut raw, given_up) = raw.into_parts();
    let appended = path.appended_field(&raw);
    if path.insert(&mut raw, made).is_err() {
        return Err(without_place(attempt, text, path, &raw));
    }
    let write = |whole: &Value| match (appended, given_up, whole) {
        (Some(name), Some(text), Value::Object(fields)) => {
            let field = fields
                .values()
                .next_back()
                .expect("it has just been put there");
            text.with_field(PAYLOAD_LIMIT_BYTES, name, field)
        }
        (_, given_up, whole) => whole_text(whole, given_up),
    };
    let whole = within_limit(attempt, raw, TOO_DEEP, write)?;
    Ok(whole.built_by(builder.filter(|_| appended.is_some())))
}

/// Builds the output of a template. If the same template built the raw input, as in a loop, the fixed parts stay in
/// place.
fn from_template(
    attempt: &Attempt<'_>,
    template: &Template,
    raw: StateData,
) -> Result<StateData, Failure> {
    let in_place = raw.is_built_by(template);
    let (mut raw, given_up) = raw.into_parts();
    let made = if in_place {
        attempt.template_in_place(template, &mut raw)?;
        raw
    } else {
        attempt.template_by_moving(template, &mut raw)?
    };
    let write = |made: &Value| {
        JsonText::written(PAYLOAD_LIMIT_BYTES, given_up, |writer| {
            template.write(made, writer)
        })
    };
    let made = within_limit(attempt, made, PAYLOAD_TOO_DEEP, write)?;
    Ok(made.built_by(template.builder()))
}

/// Writes the text of a value; reuses the memory of `given_up`, a text that is no longer needed.
fn whole_text(value: &Value, given_up: Option<JsonText>) -> Result<JsonText, Refused> {
    JsonText::written(PAYLOAD_LIMIT_BYTES, given_up, |writer| {
        writer.value(value, DEEPEST)
    })
}
