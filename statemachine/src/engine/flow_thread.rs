//! A thread: a sequence of states that runs independently of others.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::engine::execution::map_item::MapItem;
use crate::engine::state_data::Variables;
use crate::payload_size::length;

/// The position and the variables of a thread. The machine's own states form one thread; so does each branch and each
/// iteration.
#[derive(Debug, Clone, Default)]
pub(crate) struct FlowThread {
    /// The number of the event that the thread's next event follows.
    pub(crate) last: u64,
    /// The variables. A branch or an iteration shares the variables of the enclosing thread until its own first
    /// `Assign`, which copies them.
    pub(crate) variables: Arc<Variables>,
    /// The length in bytes of all variables as compact JSON text.
    pub(crate) variable_bytes: usize,
    /// The item of the innermost Map iteration around the thread; `None` outside a Map.
    pub(crate) item: Option<Arc<MapItem>>,
    /// The time at which the last state was left, which is also the time of the next entry. `None` if neither a sink
    /// nor a subscriber received the exit event, or if the thread may have waited since.
    pub(crate) left_at: Option<DateTime<Utc>>,
    /// `true` for a branch or an iteration.
    pub(crate) nested: bool,
    /// The number of the event that records the success of all branches or iterations of the current state; `None`
    /// before that event.
    pub(crate) inner_success: Option<u64>,
}

impl FlowThread {
    /// Sets the assigned variables and updates `variable_bytes`.
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
