//! Begins and ends threads, and assigns events to threads.

use crate::trace::event_follower::EventFollower;
use crate::trace::numbered_map::{ExecutionNumber, ThreadNumber};
use crate::trace::traced_thread::{Role, TracedThread};
use crate::trace::visits::{Inside, Iteration, VisitEnd, add_totals};

impl EventFollower {
    /// Returns the thread of an event of the current execution; `None` if no later event may name this event as its
    /// previous one.
    pub(super) fn owner(&self, event: u64) -> Option<ThreadNumber> {
        self.executions.owner(self.here?, event)
    }

    /// Allows later events to name this event as their previous event, and no longer any earlier event of its thread.
    pub(super) fn set_owner(&mut self, id: ThreadNumber, event: u64) {
        if let Some(thread) = self.threads.get_mut(&id) {
            self.executions
                .give(thread.execution, event, id, thread.ids.drain(..));
            thread.ids.push(event);
        }
    }

    /// Allows later events to name this event as their previous event, in addition to the events of its thread that
    /// they may name already.
    pub(super) fn add_owner(&mut self, id: ThreadNumber, event: u64) {
        if let Some(thread) = self.threads.get_mut(&id) {
            thread.ids.push(event);
            self.executions
                .give(thread.execution, event, id, std::iter::empty());
        }
    }

    /// Begins a thread, inside the current state of `parent` if that is given, and returns the new thread's number.
    pub(super) fn begin(
        &mut self,
        execution: ExecutionNumber,
        parent: Option<ThreadNumber>,
        role: Role,
    ) -> ThreadNumber {
        let id = self.threads_begun;
        self.threads_begun += 1;
        self.threads
            .insert(id, TracedThread::new(execution, parent, role));
        if let Some(parent) = parent.and_then(|parent| self.threads.get_mut(&parent)) {
            parent.children.insert(id);
        }
        id
    }

    /// Ends all threads inside the current state of a thread, and forgets the Map Runs for which the thread waits.
    pub(super) fn end_children(&mut self, id: ThreadNumber, end: VisitEnd) {
        let children = self
            .threads
            .get_mut(&id)
            .map(|thread| std::mem::take(&mut thread.children));
        for child in children.unwrap_or_default() {
            self.end(child, end);
        }
        self.map_runs.retain(|(_, waiting)| *waiting != id);
    }

    /// Ends a thread and adds its visits to the enclosing state.
    pub(super) fn end(&mut self, id: ThreadNumber, end: VisitEnd) {
        self.end_children(id, VisitEnd::Stopped);
        let Some(mut thread) = self.threads.remove(&id) else {
            return;
        };
        self.executions
            .forget(thread.execution, thread.ids.drain(..));
        let mut end = end;
        if let Some(current) = &thread.current {
            let assign = current.visit.end;
            let at = self.now;
            if assign == VisitEnd::Failed {
                end = VisitEnd::Failed;
            }
            thread.leave(assign, at);
        } else if thread.role == Role::Branch && end == VisitEnd::Stopped {
            end = VisitEnd::Left;
        }
        if matches!(thread.role, Role::Child(_)) {
            self.executions.end(thread.execution);
        }
        let Some(parent) = thread.parent else {
            self.finished = Some(thread.steps);
            self.main = None;
            return;
        };
        let Some(parent) = self.threads.get_mut(&parent) else {
            return;
        };
        parent.children.remove(&id);
        add_totals(&mut parent.states, thread.states.clone());
        let Some(current) = &mut parent.current else {
            return;
        };
        let inside = &mut current.visit.inside;
        match thread.role {
            Role::Iteration(index) | Role::Child(index) => {
                if !matches!(inside, Inside::Iterations(_)) {
                    *inside = Inside::Iterations(Box::default());
                }
                if let Inside::Iterations(iterations) = inside {
                    let steps = thread.steps;
                    iterations.add(Iteration { index, end, steps }, thread.states);
                }
            }
            Role::Branch | Role::Execution => {
                if !matches!(inside, Inside::Branches(_)) {
                    *inside = Inside::Branches(Vec::new());
                }
                if let Inside::Branches(branches) = inside {
                    branches.push(thread.steps);
                }
            }
        }
    }
}
