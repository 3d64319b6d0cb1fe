//! The Succeed state.

use crate::engine::attempt::Attempt;
use crate::engine::states::work_result::WorkResult;

/// Passes the effective input on as the result; the flow ends here, because the state has no `Next`.
pub(crate) fn perform<'a>(attempt: &Attempt<'a>) -> WorkResult<'a> {
    WorkResult::of(attempt.state, None, false)
}
