//! What a state's own work gives to the rest of its path.

use serde_json::Value;

use crate::definition::field_values::Payload;
use crate::definition::model::State;

/// What the middle of the path gives.
pub(crate) struct WorkResult<'a> {
    /// The result; `None` if it is the effective input, unchanged.
    pub(crate) result: Option<Value>,
    /// `$states.result` exists: the state did something.
    pub(crate) has_result: bool,
    pub(crate) next: Option<usize>,
    pub(crate) assign: Option<&'a Payload>,
    pub(crate) output: Option<&'a Payload>,
    /// The rule of a Choice that `assign` and `output` belong to; `None` if they are the state's own.
    pub(crate) rule: Option<usize>,
}

impl<'a> WorkResult<'a> {
    /// Goes on as the state itself says.
    pub(crate) fn of(state: &'a State, result: Option<Value>, has_result: bool) -> Self {
        Self {
            result,
            has_result,
            next: state.next,
            assign: state.assign.as_ref(),
            output: state.output.as_ref(),
            rule: None,
        }
    }
}
