//! The child executions of a Map Run, once they have ended.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::execution::execution_handle::Outcome;

/// One child execution and how it ended.
pub(crate) struct ChildExecution {
    pub(crate) input: Value,
    pub(crate) execution: Arc<str>,
    pub(crate) outcome: Outcome,
}

/// What became of the items of a Map Run.
pub(crate) struct ChildExecutions {
    /// The executions that ran, those included that were stopped with the run, in the order of their items.
    pub(crate) ended: Vec<ChildExecution>,
    /// The inputs of those that never started.
    pub(crate) pending: Vec<Value>,
    /// More of them failed than the state tolerates.
    pub(crate) exceeded: bool,
}
