//! Numbers the events of one execution and hands them on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use crate::engine::clock::Clock;
use crate::engine::failure::Failure;
use crate::engine::history::{Details, Event, EventType, HistorySink};

/// The number of events at which AWS ends a STANDARD execution.
pub(crate) const STANDARD_EVENT_LIMIT: u64 = 25_000;

/// The append-only history of one execution.
///
/// Without a listener, events are only counted: their details are never built.
pub(crate) struct Recorder {
    execution: Arc<str>,
    clock: Clock,
    limit: Option<u64>,
    sink: Option<Arc<dyn HistorySink>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    closed: bool,
    /// It can only fail now, and AWS no longer says what is given up for that.
    doomed: bool,
    subscriber: Option<mpsc::UnboundedSender<Event>>,
}

impl Recorder {
    pub(crate) fn new(
        execution: Arc<str>,
        clock: Clock,
        limit: Option<u64>,
        sink: Option<Arc<dyn HistorySink>>,
    ) -> Self {
        Self {
            execution,
            clock,
            limit,
            sink,
            state: Mutex::default(),
        }
    }

    pub(crate) fn execution(&self) -> &Arc<str> {
        &self.execution
    }

    /// Gives the events from now on; they are kept until they are taken.
    pub(crate) fn subscribe(&self) -> mpsc::UnboundedReceiver<Event> {
        let (sender, events) = mpsc::unbounded_channel();
        self.lock().subscriber = Some(sender);
        events
    }

    /// Tells whether events show texts, so that these are best made at once.
    pub(crate) fn shows_texts(&self) -> bool {
        self.sink.is_some()
    }

    pub(crate) fn count(&self) -> u64 {
        self.lock().last_id
    }

    /// Appends an event and gives its number.
    ///
    /// # Errors
    /// The history is full; the execution's end is then recorded already.
    pub(crate) fn record(
        &self,
        previous: u64,
        event_type: EventType,
        details: impl FnOnce() -> Details,
    ) -> Result<u64, Failure> {
        let mut state = self.lock();
        let full = self.limit.is_some_and(|limit| state.last_id + 1 >= limit);
        if full && event_type != EventType::ExecutionSucceeded {
            let limit = state.last_id + 1;
            let failure = Failure::runtime(format!(
                "The execution reached the maximum number of history events ({limit})."
            ));
            if !state.closed {
                self.append(&mut state, previous, EventType::ExecutionFailed, || {
                    Details {
                        error: failure.error.clone(),
                        cause: failure.cause.clone(),
                        ..Details::default()
                    }
                });
                state.closed = true;
            }
            return Err(failure);
        }
        Ok(self.append(&mut state, previous, event_type, details))
    }

    /// Appends that something was given up, unless the execution is at its end: then AWS records the end alone.
    pub(crate) fn abort(
        &self,
        previous: u64,
        event_type: EventType,
        details: impl FnOnce() -> Details,
    ) {
        let mut state = self.lock();
        let full = self.limit.is_some_and(|limit| state.last_id + 1 >= limit);
        if !(state.closed || state.doomed || full) {
            self.append(&mut state, previous, event_type, details);
        }
    }

    /// Notes that the execution can only fail now, for nothing takes the failure that it has.
    pub(crate) fn doom(&self) {
        self.lock().doomed = true;
    }

    /// Appends the event that ends the execution, unless the history is full and has its end.
    pub(crate) fn close(
        &self,
        previous: u64,
        event_type: EventType,
        details: impl FnOnce() -> Details,
    ) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.closed, true) {
            self.append(&mut state, previous, event_type, details);
        }
        state.subscriber = None;
    }

    fn append(
        &self,
        state: &mut State,
        previous: u64,
        event_type: EventType,
        details: impl FnOnce() -> Details,
    ) -> u64 {
        state.last_id += 1;
        if self.sink.is_some() || state.subscriber.is_some() {
            let event = Event {
                execution: self.execution.clone(),
                timestamp: self.clock.now(),
                id: state.last_id,
                previous_event_id: previous,
                event_type,
                details: details(),
            };
            if let Some(sink) = &self.sink {
                sink.record(&event);
            }
            if let Some(subscriber) = &state.subscriber {
                // A subscriber that went away misses nothing that it wants.
                let _ = subscriber.send(event);
            }
        }
        state.last_id
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
