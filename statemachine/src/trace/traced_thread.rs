//! A thread of an execution, as a trace follows it until it ends.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;

use crate::engine::Event;
use crate::json_text::JsonText;
use crate::trace::numbered_map::{ExecutionNumber, ThreadNumber};
use crate::trace::visits::{
    Attempted, Inside, Iterations, MOST_CHARACTERS, Steps, Totals, Visit, VisitEnd,
};

/// A thread: the main flow of an execution, a branch of a Parallel state, an iteration of a Map, or a child execution.
#[derive(Debug)]
pub(super) struct TracedThread {
    /// The execution to which the thread belongs.
    pub(super) execution: ExecutionNumber,
    /// The thread whose current state this one runs in; `None` for an execution that no Map Run started.
    pub(super) parent: Option<ThreadNumber>,
    /// The role of the thread in its execution.
    pub(super) role: Role,
    /// The numbers of this thread's events that later events may name as previous.
    pub(super) ids: Vec<u64>,
    /// The threads that run inside this thread's current state, in the order in which they started.
    pub(super) children: BTreeSet<ThreadNumber>,
    /// The state that the thread is in; `None` between two states.
    pub(super) current: Option<CurrentState>,
    /// The visits of this thread's states that have ended.
    pub(super) steps: Steps,
    /// The totals by state, including the totals of the threads that have ended inside this thread.
    pub(super) states: IndexMap<String, Totals>,
    /// The state that was left last; `None` once the next state is entered.
    pub(super) left: Option<LastExit>,
}

/// The exit of a state, kept until the next state is entered, so that the transition between both is recorded.
#[derive(Debug)]
pub(super) struct LastExit {
    /// The name of the state.
    pub(super) state: String,
    /// `true` if a catcher matched the state's failure.
    pub(super) is_caught: bool,
    /// The name of the caught error, if the history has it.
    pub(super) error: Option<String>,
}

/// The role of a thread, by the construct that started it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// An execution that no Map Run started.
    Execution,
    /// A branch of a Parallel state.
    Branch,
    /// An iteration of an inline Map, with its index from 0.
    Iteration(usize),
    /// A child execution of a distributed Map, with its position in the order of starts, from 0.
    Child(usize),
}

/// The state that a thread is in, with the progress of its attempts.
#[derive(Debug)]
pub(super) struct CurrentState {
    /// The visit, which is recorded when the state is left.
    pub(super) visit: Visit,
    /// The previous event of the state's entry. The event of a failed evaluation in the state names this event as
    /// previous too.
    pub(super) before: u64,
    /// `true` if the last attempt failed and no attempt was started since.
    pub(super) pending: bool,
    /// `true` if a task of the last attempt succeeded.
    pub(super) done: bool,
    /// `true` once the state has failed for good, and nothing inside it continues.
    pub(super) over: bool,
}

impl TracedThread {
    /// Creates a thread that has entered no state.
    pub(super) fn new(
        execution: ExecutionNumber,
        parent: Option<ThreadNumber>,
        role: Role,
    ) -> Self {
        Self {
            execution,
            parent,
            role,
            ids: Vec::new(),
            children: BTreeSet::new(),
            current: None,
            steps: Steps::default(),
            states: IndexMap::new(),
            left: None,
        }
    }

    /// Begins the visit of a state, as the event of the state's entry describes it.
    pub(super) fn enter(&mut self, event: &Event, keeps_data: bool) {
        let kind = event.event_type.as_str();
        let state_type = kind.strip_suffix("StateEntered").unwrap_or(kind);
        let visit = Visit {
            state: event.details.name.as_deref().unwrap_or_default().to_owned(),
            state_type,
            entered_at: event.timestamp,
            left_at: event.timestamp,
            end: VisitEnd::Stopped,
            starts: 0,
            failures: 0,
            attempts: Vec::new(),
            input: kept(event.details.input.as_ref(), keeps_data),
            output: None,
            inside: Inside::Nothing,
        };
        self.current = Some(CurrentState {
            visit,
            before: event.previous_event_id,
            pending: false,
            done: false,
            over: false,
        });
    }

    /// Ends the visit of the current state, if there is one, and adds it to the steps and totals.
    pub(super) fn leave(&mut self, end: VisitEnd, at: DateTime<Utc>) {
        let Some(CurrentState { mut visit, .. }) = self.current.take() else {
            return;
        };
        visit.end = end;
        visit.left_at = at;
        let totals = Totals::of(&visit);
        match self.states.get_mut(&visit.state) {
            Some(sum) => sum.add(totals),
            None => {
                self.states.insert(visit.state.clone(), totals);
            }
        }
        self.steps.push(visit);
    }

    /// Returns `true` if the thread is in the state of this name.
    pub(super) fn is_in(&self, state: &str) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.visit.state == state)
    }

    /// Returns the number of threads that were started inside the current state.
    pub(super) fn children_started(&self) -> usize {
        let ended = match self.current.as_ref().map(|current| &current.visit.inside) {
            Some(Inside::Iterations(iterations)) => usize::try_from(Iterations::total(iterations)),
            _ => Ok(0),
        };
        self.children.len() + ended.unwrap_or(usize::MAX / 2)
    }

    /// Returns `true` if the thread is in a state of this type, and the state has not failed for good.
    pub(super) fn is_inside(&self, state_type: &str) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.visit.state_type == state_type && !current.over)
    }
}

impl CurrentState {
    /// Records the start of an attempt; returns the names of the state and of the error if the attempt is a retry.
    pub(super) fn begin_attempt(&mut self) -> Option<(String, Option<String>)> {
        let retried = self.pending.then(|| {
            let failure = self.visit.last_failure();
            let error = failure.and_then(|last| last.error.clone());
            (self.visit.state.clone(), error)
        });
        self.pending = false;
        self.done = false;
        self.visit.starts += 1;
        if self.visit.starts > 1 {
            // Of several attempts, only the last one's inner states are kept.
            self.visit.inside = Inside::Nothing;
        }
        retried
    }

    /// Records a failed attempt, which a retry or a catcher may still handle.
    pub(super) fn fail(&mut self, attempted: Attempted) {
        self.visit.fail(attempted);
        self.pending = true;
    }
}

/// Returns the beginning of a text; `None` if the trace keeps no data.
pub(super) fn kept(text: Option<&JsonText>, keeps_data: bool) -> Option<String> {
    let text = text.filter(|_| keeps_data)?.as_str();
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => Some(format!("{}..", &text[..end])),
        None => Some(text.to_owned()),
    }
}
