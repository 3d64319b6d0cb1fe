//! The Succeed state.

use crate::engine::attempt::Frame;
use crate::engine::states::work_result::Performed;

/// Hands the effective input on; the flow ends here, for the state has no `Next`.
pub(crate) fn perform<'a>(frame: &Frame<'a>) -> Performed<'a> {
    Performed::of(frame.state, None, false)
}
