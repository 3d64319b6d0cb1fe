//! The recorder: numbers the events of one execution and passes them to the sinks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::engine::clock::Clock;
use crate::engine::failure::Failure;
use crate::engine::history::event::{Details, Event, EventType};
use crate::engine::history::history_sink::HistorySink;
use crate::engine::state_data::{StateData, Variables};
use crate::engine::stop_signal::{StopRequest, StopSignal};
use crate::json_text::written;

/// The number of events at which AWS ends a STANDARD execution.
pub(crate) const STANDARD_EVENT_LIMIT: u64 = 25_000;

/// The recorder of one execution's events: it numbers and dates them and sends them to the sink and the caller's
/// stream.
///
/// Without a sink or subscriber, events are only counted: their details are never built.
pub(crate) struct Recorder {
    /// The execution's ARN, which every event shows.
    execution: Arc<str>,
    /// The clock that dates the events.
    clock: Clock,
    /// The number of events at which the execution fails; `None` for no limit.
    limit: Option<u64>,
    /// The receiver of all events; `None` if no history is kept.
    sink: Option<Arc<dyn HistorySink>>,
    /// The signal that stops the execution when the sink is broken.
    stop: Arc<StopSignal>,
    /// The number of the last event and the other values that change with each event.
    state: Mutex<RecorderState>,
}

/// The part of a recorder that changes with each event.
struct RecorderState {
    /// The number of the last event, 0 before the first.
    last_id: u64,
    /// `true` once the event that ends the execution was recorded.
    closed: bool,
    /// `true` once the execution can only fail: AWS then records no aborted states.
    failing: bool,
    /// The sender to the caller's stream of events; `None` if the caller has no stream.
    subscriber: Option<mpsc::UnboundedSender<Event>>,
    /// The event that the sink and the stream receive. It is reused for every event, because most of its many details
    /// are always absent.
    event: Event,
    /// The time from the start to the last event, and its date, which is computed once for all events of one instant.
    last_time: (Duration, DateTime<Utc>),
}

/// The data that the event of an entered or left state shows.
pub(crate) enum ShownData<'a> {
    /// The input of an entered state.
    Input(&'a mut StateData),
    /// The output, and the variables that the state assigned.
    Output(&'a mut StateData, Option<&'a Variables>),
}

impl Recorder {
    /// Creates the recorder of an execution that has no events yet.
    pub(crate) fn new(
        execution: Arc<str>,
        clock: Clock,
        limit: Option<u64>,
        sink: Option<Arc<dyn HistorySink>>,
        stop: Arc<StopSignal>,
    ) -> Self {
        let event = Event {
            execution: execution.clone(),
            timestamp: DateTime::UNIX_EPOCH,
            id: 0,
            previous_event_id: 0,
            event_type: EventType::ExecutionStarted,
            details: Details::default(),
        };
        Self {
            execution,
            clock,
            limit,
            sink,
            stop,
            state: Mutex::new(RecorderState {
                last_id: 0,
                closed: false,
                failing: false,
                subscriber: None,
                event,
                last_time: (Duration::ZERO, clock.date_after(Duration::ZERO)),
            }),
        }
    }

    /// Returns the ARN of the execution whose events are recorded.
    pub(crate) fn execution(&self) -> &Arc<str> {
        &self.execution
    }

    /// Returns a receiver of the events from now on, which are queued until received. Only the receiver of the last
    /// call gets events.
    pub(crate) fn subscribe(&self) -> mpsc::UnboundedReceiver<Event> {
        let (sender, events) = mpsc::unbounded_channel();
        self.lock().subscriber = Some(sender);
        events
    }

    /// Returns `true` if a sink needs the JSON text of inputs and outputs. The check of a value's length then writes
    /// the text too, so that the value is walked once.
    pub(crate) fn shows_texts(&self) -> bool {
        self.sink.is_some()
    }

    /// Returns the number of events so far.
    pub(crate) fn count(&self) -> u64 {
        self.lock().last_id
    }

    /// Appends an event and returns its number.
    ///
    /// # Errors
    /// `States.Runtime` if the history is full; the end of the execution has then been recorded.
    pub(crate) fn record(
        &self,
        previous: u64,
        event_type: EventType,
        details: impl FnOnce() -> Details,
    ) -> Result<u64, Failure> {
        let mut state = self.lock();
        self.refuse_when_full(&mut state, previous, event_type)?;
        Ok(self.append(&mut state, previous, event_type, details))
    }

    /// Appends the event of an entered or left state; returns its number, and its time if a sink or subscriber received
    /// it.
    ///
    /// `at` is the event's time; `None` stands for the current time.
    ///
    /// # Errors
    /// `States.Runtime` if the history is full; the end of the execution has then been recorded.
    pub(crate) fn record_state(
        &self,
        previous: u64,
        event_type: EventType,
        name: &Arc<str>,
        shown: ShownData<'_>,
        at: Option<DateTime<Utc>>,
    ) -> Result<(u64, Option<DateTime<Utc>>), Failure> {
        let mut state = self.lock();
        self.refuse_when_full(&mut state, previous, event_type)?;
        state.last_id += 1;
        if !self.has_receivers(&state) {
            return Ok((state.last_id, None));
        }
        let at = at.unwrap_or_else(|| state.now(&self.clock));
        let details = state.named(name);
        match shown {
            ShownData::Input(input) => {
                details.input = Some(input.lend_text());
                self.publish(&mut state, previous, event_type, at);
                input.return_text(state.event.details.input.take());
            }
            ShownData::Output(output, assigned) => {
                details.output = Some(output.lend_text());
                details.assigned_variables = assigned.map(as_texts);
                self.publish(&mut state, previous, event_type, at);
                output.return_text(state.event.details.output.take());
                state.event.details.assigned_variables = None;
            }
        }
        Ok((state.last_id, Some(at)))
    }

    /// Appends the event of a Map state's iteration and returns its number.
    ///
    /// # Errors
    /// `States.Runtime` if the history is full; the end of the execution has then been recorded.
    pub(crate) fn record_iteration(
        &self,
        previous: u64,
        event_type: EventType,
        map: &Arc<str>,
        index: usize,
    ) -> Result<u64, Failure> {
        let mut state = self.lock();
        self.refuse_when_full(&mut state, previous, event_type)?;
        state.last_id += 1;
        if self.has_receivers(&state) {
            let at = state.now(&self.clock);
            state.named(map).index = Some(index);
            self.publish(&mut state, previous, event_type, at);
            state.event.details.index = None;
        }
        Ok(state.last_id)
    }

    /// Fails if the history has room for only one more event and the event is not `ExecutionSucceeded`; the last event
    /// then records that the execution failed.
    fn refuse_when_full(
        &self,
        state: &mut RecorderState,
        previous: u64,
        event_type: EventType,
    ) -> Result<(), Failure> {
        let full = self.limit.is_some_and(|limit| state.last_id + 1 >= limit);
        if !full || event_type == EventType::ExecutionSucceeded {
            return Ok(());
        }
        let limit = state.last_id + 1;
        let failure = Failure::runtime(format!(
            "The execution reached the maximum number of history events ({limit})."
        ));
        if !state.closed {
            self.append(state, previous, EventType::ExecutionFailed, || Details {
                error: failure.error.clone(),
                cause: failure.cause.clone(),
                ..Details::default()
            });
            state.closed = true;
        }
        Err(failure)
    }

    /// Appends the event of aborted work. Does nothing if the execution has ended, can only fail or has a full history:
    /// AWS then records only the end.
    pub(crate) fn abort(
        &self,
        previous: u64,
        event_type: EventType,
        details: impl FnOnce() -> Details,
    ) {
        let mut state = self.lock();
        let full = self.limit.is_some_and(|limit| state.last_id + 1 >= limit);
        if !(state.closed || state.failing || full) {
            self.append(&mut state, previous, event_type, details);
        }
    }

    /// Marks the execution as failing for good, after which aborted states are not recorded.
    pub(crate) fn mark_failing(&self) {
        self.lock().failing = true;
    }

    /// Appends the event that ends the execution, unless its end was recorded already, and ends the caller's stream.
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

    /// Appends an event without checking the limit; `details` is called only if the sink or the stream receives the
    /// event.
    fn append(
        &self,
        state: &mut RecorderState,
        previous: u64,
        event_type: EventType,
        details: impl FnOnce() -> Details,
    ) -> u64 {
        state.last_id += 1;
        if self.has_receivers(state) {
            state.event.details = details();
            let at = state.now(&self.clock);
            self.publish(state, previous, event_type, at);
            state.event.details = Details::default();
        }
        state.last_id
    }

    /// Returns `true` if a sink or a subscriber receives events.
    fn has_receivers(&self, state: &RecorderState) -> bool {
        self.sink.is_some() || state.subscriber.is_some()
    }

    /// Sends the event, whose details are filled in, to the sink and the subscriber.
    fn publish(
        &self,
        state: &mut RecorderState,
        previous: u64,
        event_type: EventType,
        at: DateTime<Utc>,
    ) {
        state.event.timestamp = at;
        state.event.id = state.last_id;
        state.event.previous_event_id = previous;
        state.event.event_type = event_type;
        if let Some(sink) = &self.sink {
            sink.record(&state.event);
            if sink.is_broken() {
                self.stop.request(StopRequest {
                    error: None,
                    cause: Some("the history can no longer be written".to_owned()),
                });
            }
        }
        if let Some(subscriber) = &state.subscriber {
            // Sending fails only if the subscriber was dropped, which needs no more events.
            let _ = subscriber.send(state.event.clone());
        }
    }

    /// Locks the state, even if a thread panicked while it held the lock.
    fn lock(&self) -> MutexGuard<'_, RecorderState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecorderState {
    /// Returns the current date, computed once for all events of one instant.
    fn now(&mut self, clock: &Clock) -> DateTime<Utc> {
        let elapsed = clock.elapsed();
        if self.last_time.0 != elapsed {
            self.last_time = (elapsed, clock.date_after(elapsed));
        }
        self.last_time.1
    }

    /// Sets the name in the details and returns them; no other field is set. The name stays set for the next event,
    /// which usually has the same name.
    fn named(&mut self, name: &Arc<str>) -> &mut Details {
        let details = &mut self.event.details;
        let is_same = |shown: &Arc<str>| Arc::ptr_eq(shown, name);
        if !details.name.as_ref().is_some_and(is_same) {
            details.name = Some(name.clone());
        }
        details
    }
}

/// Converts each variable to JSON text, as events show it.
fn as_texts(assigned: &Variables) -> Map<String, Value> {
    assigned
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(written(value))))
        .collect()
}
