//! Follows the events of a history and assigns each to its thread: the main flow of an execution, a branch, an iteration
//! or a child execution.
//!
//! An event names its previous event, and usually belongs to the same thread. The event that ends a Map or a Parallel
//! state is an exception: its previous event is the last one inside the state, so it belongs to a thread that encloses
//! that event's thread.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::engine::{Event, EventType};
use crate::trace::execution_facts::{Facts, Traced};
use crate::trace::numbered_map::{ByNumber, ExecutionNumber, ThreadNumber};
use crate::trace::running_executions::Executions;
use crate::trace::traced_thread::{CurrentState, LastExit, Role, TracedThread, kept};
use crate::trace::visits::{Attempted, Steps, VisitEnd};

/// The state of a [`Trace`](crate::trace::Trace): the threads in progress, and the facts so far.
#[derive(Debug, Default)]
pub(super) struct EventFollower {
    /// `true` if visits keep the beginning of their inputs and outputs.
    pub(super) keeps_data: bool,
    /// The errors and causes of Fail states, by the name of the state.
    pub(super) failures: HashMap<String, Reason>,
    /// The threads that have not ended, by number.
    pub(super) threads: ByNumber<ThreadNumber, TracedThread>,
    /// The number of the next thread; numbers are never used twice.
    pub(super) threads_begun: ThreadNumber,
    /// The executions that have not ended.
    pub(super) executions: Executions,
    /// The execution of the current event; `None` if its start is unknown.
    pub(super) here: Option<ExecutionNumber>,
    /// The Map Runs in progress: the label of each, and the thread that waits for it.
    pub(super) map_runs: Vec<(String, ThreadNumber)>,
    /// The first thread of the outermost execution, until it ends.
    pub(super) main: Option<ThreadNumber>,
    /// The facts so far, except the transitions, which `finish` adds.
    facts: Facts,
    /// The names of the states that followed each state, by the name of the earlier state.
    transitions: BTreeMap<String, BTreeSet<String>>,
    /// The timestamp of the current event, at which visits begin and end.
    pub(super) now: DateTime<Utc>,
    /// The visits of the outermost execution, once it has ended.
    pub(super) finished: Option<Steps>,
}

/// The name and the cause of an error; `None` for a part that the definition does not give as a literal.
pub(super) type Reason = (Option<String>, Option<String>);

impl EventFollower {
    /// Returns the trace of the events so far and starts a new one; a state that has not ended counts as stopped.
    pub(super) fn finish(&mut self) -> Traced {
        if let Some(main) = self.main {
            self.end(main, VisitEnd::Stopped);
        }
        let seen = std::mem::replace(
            self,
            Self {
                keeps_data: self.keeps_data,
                failures: self.failures.clone(),
                ..Self::default()
            },
        );
        let mut facts = seen.facts;
        for (state, next) in seen.transitions {
            let pairs = next.into_iter().map(|next| (state.clone(), next));
            facts.transitions.extend(pairs);
        }
        Traced {
            steps: seen.finished.unwrap_or_default(),
            facts,
        }
    }

    /// Follows an event. Callers must pass the events of an execution in their order.
    pub(super) fn follow(&mut self, event: &Event) {
        use EventType as Type;
        self.now = event.timestamp;
        self.here = self.executions.slot(&event.execution);
        let name = event.details.name.as_deref().unwrap_or_default();
        match event.event_type {
            Type::ExecutionStarted => self.execution_started(event),
            Type::ExecutionSucceeded => self.execution_ended(event, VisitEnd::Left),
            Type::ExecutionFailed => self.execution_ended(event, VisitEnd::Failed),
            Type::ExecutionAborted | Type::ExecutionTimedOut => {
                self.execution_ended(event, VisitEnd::Stopped);
            }
            Type::TaskScheduled | Type::LambdaFunctionScheduled | Type::ActivityScheduled => {
                self.assign(event, CurrentState::begin_attempt);
            }
            Type::TaskSucceeded | Type::LambdaFunctionSucceeded | Type::ActivitySucceeded => {
                self.assign(event, |current| {
                    current.done = true;
                    current.pending = false;
                });
            }
            Type::TaskFailed
            | Type::TaskTimedOut
            | Type::LambdaFunctionFailed
            | Type::LambdaFunctionTimedOut
            | Type::ActivityFailed
            | Type::ActivityTimedOut
            | Type::MapRunFailed => {
                self.assign(event, |current| current.fail(Attempted::reported_by(event)));
            }
            Type::TaskStarted
            | Type::LambdaFunctionStarted
            | Type::ActivityStarted
            | Type::TaskSubmitted => self.assign(event, |_| {}),
            Type::EvaluationFailed => self.evaluation_failed(event),
            Type::MapRunStarted => self.map_run_started(event),
            Type::MapStateStarted => self.inside_started(event, "Map"),
            Type::ParallelStateStarted => self.inside_started(event, "Parallel"),
            Type::MapStateFailed => self.inside_failed(event, "Map"),
            Type::ParallelStateFailed => self.inside_failed(event, "Parallel"),
            // No later event names an event of these types as its previous one. Aborted work ends when the enclosing
            // thread ends.
            Type::MapStateSucceeded
            | Type::ParallelStateSucceeded
            | Type::MapRunSucceeded
            | Type::MapIterationAborted
            | Type::MapRunAborted
            | Type::MapStateAborted
            | Type::ParallelStateAborted
            | Type::TaskStateAborted
            | Type::WaitStateAborted => {}
            Type::MapIterationStarted => self.iteration_started(event, name),
            Type::MapIterationSucceeded => self.iteration_ended(event, VisitEnd::Left),
            Type::MapIterationFailed => self.iteration_ended(event, VisitEnd::Failed),
            other if other.as_str().ends_with("StateEntered") => self.entered(event, name),
            _ => self.exited(event, name),
        }
    }

    /// Begins the first thread of an execution. The label in a child's ARN identifies the thread that waits for the
    /// child.
    fn execution_started(&mut self, event: &Event) {
        let label = map_run_label(&event.execution);
        // If two Map Runs with one label are in progress, the child belongs to the later.
        let parent = label.and_then(|label| {
            let mut running = self.map_runs.iter().rev();
            running
                .find(|(known, _)| *known == label)
                .map(|(_, id)| *id)
        });
        let role = match parent.and_then(|parent| self.threads.get(&parent)) {
            Some(waiting) => Role::Child(waiting.children_started()),
            None => Role::Execution,
        };
        let slot = self.executions.begin(&event.execution);
        let id = self.begin(slot, parent, role);
        self.executions.give(slot, 0, id, std::iter::empty());
        if parent.is_none() {
            self.main = Some(id);
        }
    }

    /// Ends the first thread of an execution; if it failed, marks the states that the failure passed through.
    fn execution_ended(&mut self, event: &Event, end: VisitEnd) {
        let Some(root) = self.owner(0) else {
            return;
        };
        if end == VisitEnd::Failed
            && let Some(failing) = self.owner(event.previous_event_id)
        {
            self.fail_outwards(failing, &Attempted::reported_by(event));
        }
        self.end(root, end);
        if let Some(slot) = self.here {
            self.executions.end(slot);
        }
    }

    /// Marks the state that failed and all states around it as failed.
    fn fail_outwards(&mut self, failing: ThreadNumber, attempted: &Attempted) {
        let mut next = Some(failing);
        while let Some(thread) = next.and_then(|id| self.threads.get_mut(&id)) {
            if let Some(current) = &mut thread.current {
                current.visit.end = VisitEnd::Failed;
                current.visit.explain(attempted);
            }
            next = match thread.role {
                Role::Child(_) => None,
                _ => thread.parent,
            };
        }
    }

    /// Begins the visit of a state; the first state of a branch also begins the thread of the branch.
    fn entered(&mut self, event: &Event, name: &str) {
        let Some(owner) = self.owner(event.previous_event_id) else {
            return;
        };
        // If the previous event's thread is still in a Parallel state, this event begins a branch.
        let id = match self.threads.get(&owner) {
            Some(thread) if thread.is_inside("Parallel") => {
                self.begin(thread.execution, Some(owner), Role::Branch)
            }
            _ => owner,
        };
        self.set_owner(id, event.id);
        if !self.facts.entered.contains(name) {
            self.facts.entered.insert(name.to_owned());
        }
        let keeps_data = self.keeps_data;
        let Some(thread) = self.threads.get_mut(&id) else {
            return;
        };
        if let Some(left) = thread.left.take() {
            if left.is_caught {
                let caught = (left.state.clone(), left.error, name.to_owned());
                self.facts.caught.insert(caught);
            }
            let next = self.transitions.get_mut(&left.state);
            match next {
                Some(next) if next.contains(name) => {}
                Some(next) => {
                    next.insert(name.to_owned());
                }
                None => {
                    let next = BTreeSet::from([name.to_owned()]);
                    self.transitions.insert(left.state, next);
                }
            }
        }
        thread.enter(event, keeps_data);
        if event.event_type == EventType::FailStateEntered
            && let Some((error, cause)) = self.failures.get(name)
            && let Some(current) = &mut thread.current
        {
            let reason = Attempted {
                error: error.clone(),
                cause: cause.clone(),
                ..Attempted::reported_by(event)
            };
            current.fail(reason);
        }
    }

    /// Ends the visit of a state; it counts as caught if the last attempt failed.
    fn exited(&mut self, event: &Event, name: &str) {
        let Some(id) = self.outwards(event, |thread| thread.is_in(name)) else {
            return;
        };
        self.end_children(id, VisitEnd::Stopped);
        self.set_owner(id, event.id);
        let keeps_data = self.keeps_data;
        let Some(thread) = self.threads.get_mut(&id) else {
            return;
        };
        let Some(current) = &mut thread.current else {
            return;
        };
        // A Task that is left without an answer failed before its call.
        let is_task = current.visit.state_type == "Task";
        let is_caught = current.pending || is_task && !current.done;
        current.visit.output = kept(event.details.output.as_ref(), keeps_data);
        let error = current
            .visit
            .last_failure()
            .filter(|_| current.pending)
            .and_then(|last| last.error.clone());
        thread.left = Some(LastExit {
            state: name.to_owned(),
            is_caught,
            error,
        });
        let end = if is_caught {
            VisitEnd::Caught
        } else {
            VisitEnd::Left
        };
        thread.leave(end, event.timestamp);
    }

    /// Records that a field could not be evaluated. AWS names the event before the state's entry as previous, so the
    /// thread is found by the name of its state.
    fn evaluation_failed(&mut self, event: &Event) {
        let state = event.details.state.as_deref().unwrap_or_default();
        let here = self.here;
        let found = self.threads.iter_mut().find(|(_, thread)| {
            let follows = |current: &CurrentState| {
                current.visit.state == state && current.before == event.previous_event_id
            };
            Some(thread.execution) == here && thread.current.as_ref().is_some_and(follows)
        });
        let Some((id, thread)) = found else {
            return;
        };
        let id = *id;
        if let Some(current) = &mut thread.current {
            current.fail(Attempted::reported_by(event));
        }
        self.set_owner(id, event.id);
    }

    /// Records the thread that waits for a Map Run, so that child executions can be assigned to it.
    fn map_run_started(&mut self, event: &Event) {
        let label = event.details.map_run_arn.as_deref().and_then(map_run_label);
        let owner = self.owner(event.previous_event_id);
        self.assign(event, |_| {});
        if let (Some(label), Some(owner)) = (label, owner) {
            self.map_runs.push((label, owner));
        }
    }

    /// Records that a Map or a Parallel state starts its branches or iterations; after a failed attempt, this start is
    /// a retry.
    fn inside_started(&mut self, event: &Event, state_type: &'static str) {
        let failed_before = self.failure_at(event);
        let Some(id) = self.outwards(event, |thread| thread.is_inside(state_type)) else {
            return;
        };
        self.end_children(id, VisitEnd::Stopped);
        self.set_owner(id, event.id);
        let retried = self.with_current(id, |current| {
            if current.visit.starts > 0 && !current.pending {
                current.fail(failed_before);
            }
            current.begin_attempt()
        });
        self.note_retry(retried.flatten());
    }

    /// Records that a Map or a Parallel state failed for good, and ends the threads inside it.
    fn inside_failed(&mut self, event: &Event, state_type: &'static str) {
        let failure = self.failure_at(event);
        let Some(id) = self.outwards(event, |thread| thread.is_inside(state_type)) else {
            return;
        };
        if let Some(failing) = self.owner(event.previous_event_id)
            && failing != id
            && let Some(thread) = self.threads.get_mut(&failing)
            && let Some(current) = &mut thread.current
        {
            current.visit.end = VisitEnd::Failed;
        }
        self.set_owner(id, event.id);
        self.end_children(id, VisitEnd::Stopped);
        self.with_current(id, |current| {
            current.over = true;
            if !current.pending {
                current.fail(failure);
            }
        });
    }

    /// Begins the thread of an iteration inside the innermost thread that is in the Map.
    fn iteration_started(&mut self, event: &Event, map: &str) {
        let Some(parent) = self.outwards(event, |thread| thread.is_in(map)) else {
            return;
        };
        let role = Role::Iteration(event.details.index.unwrap_or_default());
        let Some(here) = self.here else {
            return;
        };
        let id = self.begin(here, Some(parent), role);
        self.set_owner(id, event.id);
    }

    /// Ends the thread of an iteration; its failure is also recorded for the Map around it.
    fn iteration_ended(&mut self, event: &Event, end: VisitEnd) {
        let wanted = Role::Iteration(event.details.index.unwrap_or_default());
        let name = event.details.name.as_deref().unwrap_or_default().to_owned();
        let Some(id) = self.outwards(event, |thread| thread.role == wanted) else {
            return;
        };
        let Some(parent) = self.threads.get(&id).and_then(|thread| thread.parent) else {
            return;
        };
        if !self
            .threads
            .get(&parent)
            .is_some_and(|thread| thread.is_in(&name))
        {
            return;
        }
        if end == VisitEnd::Failed {
            let failure = self.failure_at(event);
            self.with_current(id, |current| current.visit.end = VisitEnd::Failed);
            self.with_current(parent, |current| {
                if !current.pending {
                    current.fail(failure);
                }
            });
        }
        self.end(id, end);
        // The next iteration names the last event inside this iteration as previous; the event after the Map names this
        // iteration's end.
        self.set_owner(parent, event.previous_event_id);
        self.add_owner(parent, event.id);
    }

    /// Assigns an event to the thread of its previous event, and calls `note` with the thread's current state.
    fn assign<T>(&mut self, event: &Event, note: impl FnOnce(&mut CurrentState) -> T)
    where
        T: NotedRetry,
    {
        let Some(id) = self.owner(event.previous_event_id) else {
            return;
        };
        self.set_owner(id, event.id);
        let noted = self.with_current(id, note);
        self.note_retry(noted.and_then(T::retried));
    }

    /// Adds a retried state and its error to the facts.
    fn note_retry(&mut self, retried: Option<(String, Option<String>)>) {
        if let Some(retried) = retried {
            self.facts.retried.insert(retried);
        }
    }

    /// Returns the last failure in the thread of the previous event; if there is none, the failure that the event
    /// itself reports.
    fn failure_at(&self, event: &Event) -> Attempted {
        let owner = self.owner(event.previous_event_id);
        let thread = owner.and_then(|owner| self.threads.get(&owner));
        let current = thread.and_then(|thread| thread.current.as_ref());
        let known = current.and_then(|current| current.visit.last_failure().cloned());
        known.unwrap_or_else(|| Attempted::reported_by(event))
    }

    /// Returns the innermost thread for which `is_meant` is `true`, among the thread of the previous event and its
    /// enclosing threads.
    fn outwards(
        &self,
        event: &Event,
        is_meant: impl Fn(&TracedThread) -> bool,
    ) -> Option<ThreadNumber> {
        let mut id = self.owner(event.previous_event_id)?;
        loop {
            let thread = self.threads.get(&id)?;
            if is_meant(thread) {
                return Some(id);
            }
            id = thread.parent?;
        }
    }

    /// Calls `note` with the current state of a thread, and extends the state's visit to the time of the current event.
    fn with_current<T>(
        &mut self,
        id: ThreadNumber,
        note: impl FnOnce(&mut CurrentState) -> T,
    ) -> Option<T> {
        let current = self.threads.get_mut(&id)?.current.as_mut()?;
        current.visit.left_at = self.now;
        Some(note(current))
    }
}

/// Returns the label in the ARN of a Map Run, or in that of one of its child executions; `None` in any other ARN.
fn map_run_label(arn: &str) -> Option<String> {
    arn.rsplit(':')
        .find_map(|part| Some(part.split_once('/')?.1.to_owned()))
}

/// The result of a closure passed to [`EventFollower::assign`], which may report a retry.
trait NotedRetry {
    /// Returns the names of the retried state and of the error; `None` if the closure reports no retry.
    fn retried(self) -> Option<(String, Option<String>)>;
}

impl NotedRetry for () {
    fn retried(self) -> Option<(String, Option<String>)> {
        None
    }
}

impl NotedRetry for Option<(String, Option<String>)> {
    fn retried(self) -> Option<(String, Option<String>)> {
        self
    }
}
