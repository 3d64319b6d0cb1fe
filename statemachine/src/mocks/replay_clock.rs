//! Computes the time at which a replay reaches an event of a recorded history.
//!
//! In a replay tasks are answered at once, so its clock differs from the recorded times: only waits, retry delays and
//! timeouts advance it. Concurrent iterations are ordered by that clock, and then by their numbers.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::Value;

/// The state of a history's threads after each event, by the event's number. A thread is the machine's own flow, a
/// branch or an iteration.
#[derive(Default)]
pub(super) struct HistoryThreads(BTreeMap<u64, HistoryThread>);

/// The state of one thread after one of its events.
#[derive(Clone, Default)]
pub(super) struct HistoryThread {
    /// The name of the current state, if it is a Task.
    pub(super) state: Option<String>,
    /// The number of the event that scheduled the state's last attempt.
    pub(super) scheduled: Option<u64>,
    /// The time on a replay's clock, in half seconds.
    pub(super) elapsed: u64,
    /// The Maps around the current state, the outermost first.
    maps: Vec<InMap>,
    /// The last event that counts for the clock; the start of a task's work does not count.
    last: LastEvent,
    /// The date of the event in `last`, in seconds since 1970.
    date: f64,
}

/// A Map around the current state.
#[derive(Clone)]
struct InMap {
    /// The name of the Map state.
    name: String,
    /// The number of the event that entered the Map state.
    visit: u64,
    /// The index of the current iteration, from 0.
    iteration: u64,
}

/// The last event of a thread, if it matters for the clock.
#[derive(Clone, Copy, Default, PartialEq)]
enum LastEvent {
    /// An event that takes no time in a replay.
    #[default]
    Other,
    /// The entry of a Wait state: the clock advances until its exit.
    Waiting,
    /// The event that scheduled a task: the clock advances only if the task times out.
    Scheduled,
    /// A failure: the clock advances until a retry.
    Failed,
}

impl HistoryThreads {
    /// Returns the state of the event's thread after this event. Callers must pass the events in the order of their
    /// numbers.
    pub(super) fn follow(&mut self, id: u64, event: &Value) -> &HistoryThread {
        let previous = event["previousEventId"].as_u64();
        let mut thread = previous
            .and_then(|previous| self.0.get(&previous).cloned())
            .unwrap_or_default();
        thread.go_on(id, event);
        self.0.entry(id).insert_entry(thread).into_mut()
    }
}

impl HistoryThread {
    /// Returns the visit and the iteration of each Map around the current state.
    pub(super) fn iterations(&self) -> Vec<(u64, u64)> {
        let maps = self.maps.iter();
        maps.map(|map| (map.visit, map.iteration)).collect()
    }

    /// Updates the thread's clock, state and Maps for its next event.
    fn go_on(&mut self, id: u64, event: &Value) {
        let kind = event["type"].as_str().unwrap_or_default();
        let date = seconds(event);
        let is_scheduled = kind.ends_with("Scheduled");
        let moves_the_clock = match self.last {
            LastEvent::Waiting => kind == "WaitStateExited",
            LastEvent::Scheduled => kind.ends_with("TimedOut"),
            LastEvent::Failed => is_scheduled || kind.ends_with("StateStarted"),
            LastEvent::Other => false,
        };
        if moves_the_clock {
            self.elapsed += halves(date - self.date);
        }
        if is_scheduled {
            self.scheduled = Some(id);
        }
        self.move_between_states(id, kind, event);
        self.last = match kind {
            "WaitStateEntered" => LastEvent::Waiting,
            _ if is_scheduled => LastEvent::Scheduled,
            _ if kind.ends_with("Failed") || kind.ends_with("TimedOut") => LastEvent::Failed,
            // Events between a call and its end.
            _ if self.last == LastEvent::Scheduled
                && (kind.ends_with("Started") || kind.ends_with("Submitted")) =>
            {
                return;
            }
            _ => LastEvent::Other,
        };
        self.date = date;
    }

    /// Updates the current state and the Maps around it.
    fn move_between_states(&mut self, id: u64, kind: &str, event: &Value) {
        let name = |details: &str| event[details]["name"].as_str().unwrap_or_default();
        if kind.ends_with("StateEntered") {
            let name = name("stateEnteredEventDetails").to_owned();
            self.scheduled = None;
            self.state = None;
            if kind == "MapStateEntered" {
                self.maps.push(InMap {
                    name,
                    visit: id,
                    iteration: 0,
                });
            } else if kind == "TaskStateEntered" && !name.is_empty() {
                self.state = Some(name);
            }
        } else if kind == "MapStateExited" {
            if let Some(at) = self.map(name("stateExitedEventDetails")) {
                self.maps.truncate(at);
            }
        } else if kind == "MapIterationStarted" {
            // The previous event may belong to the iteration that ended just before this one started.
            if let Some(at) = self.map(name("mapIterationStartedEventDetails")) {
                let index = &event["mapIterationStartedEventDetails"]["index"];
                self.maps.truncate(at + 1);
                self.maps[at].iteration = index.as_u64().unwrap_or(0);
            }
        }
    }

    /// Returns the position in `maps` of the innermost Map with this name.
    fn map(&self, name: &str) -> Option<usize> {
        self.maps.iter().rposition(|map| map.name == name)
    }
}

/// Converts seconds to half seconds, rounded because a recorded delay is a little longer than the definition's.
fn halves(seconds: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a year of half seconds fits, and negative values saturate to 0"
    )]
    let halves = (seconds * 2.0).round() as u64;
    halves
}

/// Reads an event's date as the AWS CLI writes it, a text or seconds since 1970; 0 if there is none.
pub(super) fn seconds(event: &Value) -> f64 {
    match &event["timestamp"] {
        Value::String(text) => DateTime::parse_from_rfc3339(text).map_or(0.0, |date| {
            #[expect(
                clippy::cast_precision_loss,
                reason = "milliseconds since 1970 fit 53 bits for any real date"
            )]
            let milliseconds = date.timestamp_millis() as f64;
            milliseconds / 1_000.0
        }),
        number => number.as_f64().unwrap_or(0.0),
    }
}
