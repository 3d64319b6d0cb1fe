//! The child executions of a Map Run that has ended: those that ran and those that never started.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::execution::execution_handle::Outcome;

/// A child execution that has ended: its input, its ARN and its outcome.
pub(crate) struct ChildExecution {
    /// The child's input: an item or a batch of items, to which `ItemSelector` was applied.
    pub(crate) input: Value,
    /// The child's ARN.
    pub(crate) execution: Arc<str>,
    /// The child's status, output or error, and times.
    pub(crate) outcome: Outcome,
}

/// All child executions of a Map Run that has ended.
pub(crate) struct ChildExecutions {
    /// The executions that ran, including those that were stopped with the Map Run, in the order of their items.
    pub(crate) ended: Vec<ChildExecution>,
    /// The inputs of the child executions that never started.
    pub(crate) pending: Vec<Value>,
    /// `true` if more child executions failed than the state tolerates.
    pub(crate) exceeded: bool,
}
