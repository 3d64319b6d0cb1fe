//! The Pass state.

use serde_json::Value;

use crate::definition::QueryLanguage;
use crate::engine::frame::Frame;

/// Gives `Result` where the state has one; else its effective input goes on unchanged.
pub(crate) fn perform(frame: &Frame<'_>, result: Option<&Value>) -> Option<Value> {
    let result = result?;
    if frame.state.language == QueryLanguage::JsonPath {
        frame.inspect("result", result);
    }
    Some(result.clone())
}
