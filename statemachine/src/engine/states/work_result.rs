//! The result of a state's work, with which the later steps of the attempt continue.

use serde_json::Value;

use crate::definition::field_values::Payload;
use crate::definition::model::State;

/// The result of a state's work, the next state, and the fields that are still to be evaluated.
pub(crate) struct WorkResult<'a> {
    /// The result; `None` if it is the effective input, unchanged.
    pub(crate) result: Option<Value>,
    /// `true` if expressions may read the result as `$states.result`.
    pub(crate) has_result: bool,
    /// The index of the next state in the flow; `None` at the flow's end.
    pub(crate) next: Option<usize>,
    /// The `Assign` to evaluate: the state's own, or that of the matching rule.
    pub(crate) assign: Option<&'a Payload>,
    /// The `Output` to evaluate: the state's own, or that of the matching rule.
    pub(crate) output: Option<&'a Payload>,
    /// The index of the Choice rule that `assign` and `output` belong to; `None` if they are the state's own.
    pub(crate) rule: Option<usize>,
}

impl<'a> WorkResult<'a> {
    /// Builds the result of a state that continues with its own `Next`, `Assign` and `Output`.
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
