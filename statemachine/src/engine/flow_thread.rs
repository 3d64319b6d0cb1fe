//! One thread of states, which runs by itself.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::engine::execution::map_item::MapItem;
use crate::engine::state_data::Variables;
use crate::payload_size::length;

/// One line of states: the machine's own, a branch's, or an iteration's.
#[derive(Debug, Clone, Default)]
pub(crate) struct FlowThread {
    /// The event that the next one follows.
    pub(crate) last: u64,
    pub(crate) variables: Arc<Variables>,
    /// What the variables hold, as compact text.
    pub(crate) variable_bytes: usize,
    pub(crate) item: Option<Arc<MapItem>>,
    /// When the last state was left, unless something may have been waited for since.
    pub(crate) left_at: Option<DateTime<Utc>>,
    /// It is a branch or an iteration of another.
    pub(crate) nested: bool,
    /// The event that says that the branches or iterations of the state being tried have all succeeded.
    pub(crate) inner_success: Option<u64>,
}

impl FlowThread {
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
