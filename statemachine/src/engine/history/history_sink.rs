//! The trait of history sinks, and the sink that keeps events in memory.

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::history::event::Event;

/// A receiver of an execution's events, in their order, while it runs.
pub trait HistorySink: Send + Sync {
    /// Takes one event; it must return quickly, because the execution waits for it.
    fn record(&self, event: &Event);

    /// Returns `true` if no more events can be kept, for example because the disk is full. The execution is then
    /// stopped, so that a long one does not continue without its history.
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
