//! The Pass state, where it need not copy its data.
//!
//! Nobody reads the raw input of a Pass state once its output is made: it has no retriers and no handlers. Most of its
//! data can then be moved. What comes out is what the path of every state's input (`state.rs`) gives.

use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::definition::model::{DataPath, Kind, ResultPath, State};
use crate::definition::selector::Payload;
use crate::engine::carried::Carried;
use crate::engine::failure::Failure;
use crate::engine::frame::{Data, Frame};
use crate::engine::state::{TOO_DEEP, within_limit, without_place};
use crate::json_text::{DEEPEST, Writer};
use crate::template::{PAYLOAD_TOO_DEEP, Template};

/// Tells a state whose data can be moved.
pub(crate) fn can_move(state: &State) -> bool {
    let plain = state.language == QueryLanguage::JsonPath
        && matches!(state.input_path, DataPath::Whole)
        && matches!(state.output_path, DataPath::Whole)
        && state.assign.is_none();
    plain
        && matches!(
            (&state.kind, &state.parameters, &state.result_path),
            (
                Kind::Pass(None),
                Some(_),
                ResultPath::Replace | ResultPath::Insert(..)
            ) | (Kind::Pass(Some(_)), None, ResultPath::Insert(..))
        )
}

/// Makes the output of a state whose data can be moved.
pub(crate) fn perform(frame: &Frame<'_>, raw: Carried) -> Result<Carried, Failure> {
    let state = frame.state;
    if let (Some(Payload::JsonPath(template)), ResultPath::Replace) =
        (&state.parameters, &state.result_path)
    {
        return from_template(frame, template, raw);
    }
    let (mut raw, given_up) = raw.into_parts();
    let made = match (&state.parameters, &state.kind, &state.result_path) {
        (Some(parameters), _, _) => frame.payload(parameters, "Parameters", Data::of(&raw))?,
        (None, Kind::Pass(Some(result)), _) => result.clone(),
        (None, ..) => return Ok(Carried::from(raw)),
    };
    let write = |made: &Value, writer: &mut Writer<'_>| writer.value(made, DEEPEST);
    if let ResultPath::Insert(text, path) = &state.result_path {
        if path.insert(&mut raw, made).is_err() {
            return Err(without_place(frame, text, path, &raw));
        }
        return within_limit(frame, raw, TOO_DEEP, given_up, write);
    }
    within_limit(frame, made, TOO_DEEP, given_up, write)
}

/// Makes the output of a template; in a loop that changes nothing else, what is fixed in it is there already.
fn from_template(frame: &Frame<'_>, template: &Template, raw: Carried) -> Result<Carried, Failure> {
    let in_place = raw.is_built_by(template);
    let (mut raw, given_up) = raw.into_parts();
    let made = if in_place {
        frame.template_in_place(template, &mut raw)?;
        raw
    } else {
        frame.template_by_moving(template, &mut raw)?
    };
    let write = |made: &Value, writer: &mut Writer<'_>| template.write(made, writer);
    let made = within_limit(frame, made, PAYLOAD_TOO_DEEP, given_up, write)?;
    Ok(made.built_by(template.builder()))
}
