//! A thread: a sequence of states that runs independently of others.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::engine::execution::map_item::MapItem;
use crate::engine::state_data::Variables;
use crate::payload_size::length;

/// The position of a thread and its variables: of the machine's own states, of a branch, or of an iteration.
#[derive(Debug, Clone, Default)]
pub(crate) struct FlowThread {
    /// The event that the next event follows.
    pub(crate) last: u64,
    /// The variables, which inner flows share until one of them assigns.
    pub(crate) variables: Arc<Variables>,
    /// The size of all variables as compact JSON text.
    pub(crate) variable_bytes: usize,
    /// The item of the innermost Map iteration around the thread.
    pub(crate) item: Option<Arc<MapItem>>,
    /// The time at which the last state was left; `None` once the thread may have waited since.
    pub(crate) left_at: Option<DateTime<Utc>>,
    /// `true` for a branch or an iteration.
    pub(crate) nested: bool,
    /// The event that records that all branches or iterations of the current state succeeded.
    pub(crate) inner_success: Option<u64>,
}

impl FlowThread {
    /// Sets variables and updates their size.
    pub(crate) fn assign(&mut self, assigned: Variables) {
        let variables = Arc::make_mut(&mut self.variables);
        for (name, value) in assigned {
            self.variable_bytes += length(&value);
            if let Some(replaced) = variables.insert(name, value) {
                self.variable_bytes -= length(&replaced);
            }
        }
    }
}
