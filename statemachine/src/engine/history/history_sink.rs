//! The trait of history sinks, and the sink that keeps events in memory.

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::history::event::Event;

/// A receiver of an execution's events, in their order, while the execution runs.
pub trait HistorySink: Send + Sync {
    /// Receives one event. The execution waits for this call, so the call must return quickly.
    fn record(&self, event: &Event);

    /// Returns `true` if no more events can be kept, for example because the disk is full. The engine then stops the
    /// execution, so that a long execution does not continue without its history.
    fn is_broken(&self) -> bool {
        false
    }
}

impl<F: Fn(&Event) + Send + Sync> HistorySink for F {
    fn record(&self, event: &Event) {
        self(event);
    }
}

/// A history kept in memory; its clones share one list.
#[derive(Debug, Clone, Default)]
pub struct History(Arc<Mutex<Vec<Event>>>);

impl History {
    /// Returns a copy of the events so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl HistorySink for History {
    fn record(&self, event: &Event) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event.clone());
    }
}
