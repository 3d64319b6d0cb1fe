//! The parts of an execution that a trace keeps: visits, attempts, iterations and totals.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use indexmap::IndexMap;

use crate::engine::Event;

/// The number of visits that are kept from the beginning of a long thread.
const FIRST_STEPS: usize = 100;

/// The number of visits that are kept from the end of a long thread.
const LAST_STEPS: usize = 20;

/// The most failed attempts that are kept per visit.
const MOST_ATTEMPTS: usize = 5;

/// The most iterations that are kept in full per Map.
const MOST_ITERATIONS: usize = 10;

/// The number of failed iterations that are kept in full even if [`MOST_ITERATIONS`] iterations are kept already.
const MOST_FAILED_ITERATIONS: usize = 3;

/// The most characters that are kept of an input or an output.
pub(super) const MOST_CHARACTERS: usize = 2_000;

/// The visits of a thread, in the order in which the states were entered.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Steps {
    /// The visits from the beginning of the thread, at most 100.
    pub first: Vec<Visit>,
    /// The number of visits between `first` and `last` that were not kept.
    pub left_out: u64,
    /// The visits from the end of the thread, at most 20; empty unless `first` is full.
    pub last: VecDeque<Visit>,
}

/// One visit of a state, from entering it to leaving it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Visit {
    /// The state's name.
    pub state: String,
    /// The state's type, such as `Task`.
    pub state_type: &'static str,
    /// The time at which the state was entered.
    pub entered_at: DateTime<Utc>,
    /// The time at which the state was left; if the state was not left, the time of its last event.
    pub left_at: DateTime<Utc>,
    /// The way in which the visit ended.
    pub end: VisitEnd,
    /// The number of times that the state's work was started.
    pub starts: u64,
    /// The number of failed attempts, including those that are not kept.
    pub failures: u64,
    /// The first failed attempts and the last one.
    pub attempts: Vec<Attempted>,
    /// The beginning of the state's input; `None` if the trace keeps no data.
    pub input: Option<String>,
    /// The beginning of the state's output; `None` if the trace keeps no data, or if there was no output.
    pub output: Option<String>,
    /// The branches or iterations that ran inside the state.
    pub inside: Inside,
}

/// The way in which the visit of a state ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VisitEnd {
    /// The visit did not end: the execution was stopped, timed out, or failed elsewhere.
    #[default]
    Stopped,
    /// The state was left with its output.
    Left,
    /// The state failed and a catcher matched the failure.
    Caught,
    /// The state failed and ended its flow.
    Failed,
}

/// A failed attempt of a state, after which the state may still be retried or the failure caught.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempted {
    /// The time of the failure.
    pub at: DateTime<Utc>,
    /// The error's name, if the history has it.
    pub error: Option<String>,
    /// The error's cause, if the history has it.
    pub cause: Option<String>,
    /// The path of the field that could not be evaluated, if that was the failure.
    pub location: Option<String>,
}

impl Attempted {
    /// Builds the failed attempt that an event reports.
    pub(super) fn reported_by(event: &Event) -> Self {
        Self {
            at: event.timestamp,
            error: event.details.error.clone(),
            cause: event.details.cause.clone(),
            location: event.details.location.clone(),
        }
    }
}

/// The branches or iterations that ran inside a state.
#[derive(Debug, Clone, Default)]
pub enum Inside {
    /// The state has no branches or iterations, or none has ended.
    #[default]
    Nothing,
    /// The branches of a Parallel state, in the order in which they started.
    Branches(Vec<Steps>),
    /// The iterations or child executions of a Map state.
    Iterations(Box<Iterations>),
}

/// The counts, the totals and some kept examples of the iterations of one Map.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Iterations {
    /// The number of iterations that succeeded.
    pub succeeded: u64,
    /// The number of iterations that failed.
    pub failed: u64,
    /// The number of iterations that were stopped before their end, for example because another iteration failed.
    pub stopped: u64,
    /// The kept iterations, in the order in which they ended: the first iterations, and the first failed ones.
    pub kept: Vec<Iteration>,
    /// The totals over all iterations, kept or not, by state.
    pub states: IndexMap<String, Totals>,
}

/// One iteration of a Map, or one child execution of a distributed Map.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Iteration {
    /// The item's number, from 0; for a child execution, its position in the order of starts.
    pub index: usize,
    /// The way in which the iteration ended.
    pub end: VisitEnd,
    /// The visits of the iteration's states.
    pub steps: Steps,
}

/// The totals of one state over many visits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// The number of visits, including those that are not kept.
    pub visits: u64,
    /// The number of failed attempts, including those that are not kept.
    pub failures: u64,
    /// The number of visits that failed for good.
    pub failed: u64,
    /// The duration of all visits together.
    pub duration: TimeDelta,
}

impl Steps {
    /// Returns the visits that were kept, in the order in which the states were entered.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Visit> {
        self.first.iter().chain(&self.last)
    }

    /// Returns `true` if no state was visited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// Adds a visit; once `last` is full, drops the oldest visit in it.
    pub(super) fn push(&mut self, visit: Visit) {
        if self.first.len() < FIRST_STEPS {
            self.first.push(visit);
            return;
        }
        self.last.push_back(visit);
        if self.last.len() > LAST_STEPS {
            self.last.pop_front();
            self.left_out += 1;
        }
    }

    /// Returns the visit that was added last; `None` if no state was visited.
    fn last_mut(&mut self) -> Option<&mut Visit> {
        self.last.back_mut().or(self.first.last_mut())
    }
}

impl Visit {
    /// Returns the duration of the visit, by the execution's clock.
    #[must_use]
    pub fn duration(&self) -> TimeDelta {
        self.left_at - self.entered_at
    }

    /// Returns the last failed attempt; `None` if no attempt failed.
    #[must_use]
    pub fn last_failure(&self) -> Option<&Attempted> {
        self.attempts.last()
    }

    /// Counts a failed attempt and keeps it; if [`MOST_ATTEMPTS`] are kept already, the new attempt replaces the last
    /// one.
    pub(super) fn fail(&mut self, attempted: Attempted) {
        self.failures += 1;
        if self.attempts.len() == MOST_ATTEMPTS {
            self.attempts.pop();
        }
        self.attempts.push(attempted);
    }

    /// Adds an error and its cause to the failure that ended the visit and to the failures inside the visit. The
    /// history contains that error and cause only in the event that ends the execution.
    pub(super) fn explain(&mut self, reason: &Attempted) {
        match self.attempts.last_mut() {
            Some(last) if last.error.is_none() && last.cause.is_none() => {
                last.error.clone_from(&reason.error);
                last.cause.clone_from(&reason.cause);
            }
            Some(_) => {}
            None => self.fail(reason.clone()),
        }
        let flows: Vec<&mut Steps> = match &mut self.inside {
            Inside::Nothing => Vec::new(),
            Inside::Branches(branches) => branches.iter_mut().collect(),
            Inside::Iterations(iterations) => iterations
                .kept
                .iter_mut()
                .map(|kept| &mut kept.steps)
                .collect(),
        };
        for steps in flows {
            if let Some(last) = steps.last_mut()
                && last.end == VisitEnd::Failed
                && last.last_failure().is_none_or(|last| last.error.is_none())
            {
                last.explain(reason);
            }
        }
    }
}

impl Iterations {
    /// Returns the number of iterations that have ended.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.succeeded + self.failed + self.stopped
    }

    /// Counts an iteration that has ended; keeps it if it is among the first, or among the first that failed.
    pub(super) fn add(&mut self, iteration: Iteration, states: IndexMap<String, Totals>) {
        let counter = match iteration.end {
            VisitEnd::Failed => &mut self.failed,
            VisitEnd::Stopped => &mut self.stopped,
            VisitEnd::Left | VisitEnd::Caught => &mut self.succeeded,
        };
        *counter += 1;
        add_totals(&mut self.states, states);
        let failed = |kept: &&Iteration| kept.end == VisitEnd::Failed;
        let is_early_failure = iteration.end == VisitEnd::Failed
            && self.kept.iter().filter(failed).count() < MOST_FAILED_ITERATIONS;
        if is_early_failure || self.kept.len() < MOST_ITERATIONS {
            self.kept.push(iteration);
        }
    }
}

impl Totals {
    /// Returns the totals of one visit, to be added to others.
    pub(super) fn of(visit: &Visit) -> Self {
        Self {
            visits: 1,
            failures: visit.failures,
            failed: u64::from(visit.end == VisitEnd::Failed),
            duration: visit.duration(),
        }
    }

    /// Adds the totals of further visits of the state.
    pub(super) fn add(&mut self, more: Self) {
        self.visits += more.visits;
        self.failures += more.failures;
        self.failed += more.failed;
        self.duration += more.duration;
    }
}

/// Adds totals by state; a state that is not in `states` yet is appended.
pub(super) fn add_totals(
    states: &mut IndexMap<String, Totals>,
    more: impl IntoIterator<Item = (String, Totals)>,
) {
    for (state, totals) in more {
        states.entry(state).or_default().add(totals);
    }
}
