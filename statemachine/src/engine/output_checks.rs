//! Checks for outputs that AWS rejects: too large, nested too deeply, or with a `ResultPath` that does not fit the
//! input.

use serde_json::Value;

use crate::engine::attempt::Attempt;
use crate::engine::failure::{Failure, FailureClass, names};
use crate::engine::state_data::StateData;
use crate::evaluation_budget::nests_too_deeply;
use crate::json_text::{JsonText, Refused};
use crate::jsonpath::ReferencePath;
use crate::payload_size::{PAYLOAD_LIMIT_BYTES, exceeds};

/// The cause of the failure of a state whose output nests deeper than JSON parsers read.
pub(crate) const TOO_DEEP: &str = "The output of the state nests deeper than 127 levels.";

/// Returns the output as data for the next state; fails if it is larger or deeper than AWS allows.
///
/// `too_deep` is the cause of the failure if the output nests too deeply. `write` writes the output's JSON text and
/// refuses one that is too long or too deep.
pub(crate) fn within_limit(
    attempt: &Attempt<'_>,
    made: Value,
    too_deep: &str,
    write: impl FnOnce(&Value) -> Result<JsonText, Refused>,
) -> Result<StateData, Failure> {
    let refused = |refused| match refused {
        Refused::TooLong if !nests_too_deeply(&made) => {
            over_limit(FailureClass::DataLimit, &attempt.state.name)
        }
        _ => attempt.runtime(too_deep),
    };
    if attempt.run.recorder.shows_texts() {
        let text = write(&made).map_err(refused)?;
        return Ok(StateData::with_text(made, text));
    }
    if nests_too_deeply(&made) || exceeds(&made, PAYLOAD_LIMIT_BYTES) {
        return Err(refused(Refused::TooLong));
    }
    Ok(StateData::from(made))
}

/// Builds the failure of a result that is too large; `name` is the name of the state or the service, or the resource's
/// ARN.
pub(crate) fn over_limit(class: FailureClass, name: &str) -> Failure {
    Failure::new(
        class,
        names::DATA_LIMIT_EXCEEDED,
        format!(
            "The state/task '{name}' returned a result with a size exceeding the maximum number of bytes service limit."
        ),
    )
}

/// Builds the failure of a `ResultPath` that does not fit the raw input.
pub(crate) fn without_place(
    attempt: &Attempt<'_>,
    text: &str,
    path: &ReferencePath,
    raw: &Value,
) -> Failure {
    match path.obstructed_step(raw) {
        Some(step) if raw.is_array() || raw.is_object() => Failure::conflict(&step, raw),
        _ => attempt.failure(
            FailureClass::Ordinary,
            "States.ResultPathMatchFailure",
            &format!("Unable to apply ReferencePath {text} to input {raw}"),
        ),
    }
}
