//! The executions in progress, and the thread of each of their events.

use std::collections::HashMap;
use std::sync::Arc;

use crate::trace::numbered_map::{ByNumber, ExecutionNumber, ThreadNumber};

/// The executions in progress, by number. A long ARN is looked up only once for consecutive events of one execution.
#[derive(Debug, Default)]
pub(super) struct Executions {
    /// The number of each execution in progress, by ARN.
    slots: HashMap<Arc<str>, ExecutionNumber>,
    /// The executions in progress, by number.
    running: ByNumber<ExecutionNumber, RunningExecution>,
    /// The number of the next execution; numbers are never used twice.
    begun: ExecutionNumber,
    /// The execution that was looked up last, recognized by the address of its ARN.
    last: Option<(Arc<str>, ExecutionNumber)>,
}

/// An execution in progress.
#[derive(Debug)]
struct RunningExecution {
    /// The ARN, to remove the execution from `slots`.
    name: Arc<str>,
    /// The thread of each event that later events may name as previous; 0 stands for the beginning of the execution.
    owners: ByNumber<u64, ThreadNumber>,
}

impl Executions {
    /// Returns the number of an execution; `None` if it is not in progress.
    pub(super) fn slot(&mut self, execution: &Arc<str>) -> Option<ExecutionNumber> {
        if let Some((known, slot)) = &self.last
            && Arc::ptr_eq(known, execution)
        {
            return Some(*slot);
        }
        let slot = *self.slots.get(execution)?;
        self.last = Some((execution.clone(), slot));
        Some(slot)
    }

    /// Registers an execution under the next number, and returns the number.
    pub(super) fn begin(&mut self, execution: &Arc<str>) -> ExecutionNumber {
        let slot = self.begun;
        self.begun += 1;
        let running = RunningExecution {
            name: execution.clone(),
            owners: ByNumber::default(),
        };
        self.slots.insert(execution.clone(), slot);
        self.running.insert(slot, running);
        self.last = Some((execution.clone(), slot));
        slot
    }

    /// Forgets an execution and all its events.
    pub(super) fn end(&mut self, slot: ExecutionNumber) {
        if let Some(running) = self.running.remove(&slot) {
            self.slots.remove(&running.name);
        }
        self.last.take_if(|(_, last)| *last == slot);
    }

    /// Returns the thread of an event; `None` if no later event may name this event as its previous one.
    pub(super) fn owner(&self, slot: ExecutionNumber, event: u64) -> Option<ThreadNumber> {
        self.running.get(&slot)?.owners.get(&event).copied()
    }

    /// Assigns an event to a thread and forgets `before`, the thread's earlier events.
    pub(super) fn give(
        &mut self,
        slot: ExecutionNumber,
        event: u64,
        id: ThreadNumber,
        before: impl Iterator<Item = u64>,
    ) {
        if let Some(running) = self.running.get_mut(&slot) {
            for event in before {
                running.owners.remove(&event);
            }
            running.owners.insert(event, id);
        }
    }

    /// Forgets the events of a thread that has ended.
    pub(super) fn forget(&mut self, slot: ExecutionNumber, events: impl Iterator<Item = u64>) {
        if let Some(running) = self.running.get_mut(&slot) {
            for event in events {
                running.owners.remove(&event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_found_by_its_name_until_it_ends() {
        let mut executions = Executions::default();
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        assert_eq!(executions.slot(&one), None);
        let slot = executions.begin(&one);
        executions.begin(&other);
        assert_eq!(executions.slot(&Arc::from("one")), Some(slot));
        executions.give(slot, 7, 3, std::iter::empty());
        executions.give(slot, 8, 3, [7].into_iter());
        assert_eq!(
            (executions.owner(slot, 7), executions.owner(slot, 8)),
            (None, Some(3))
        );
        executions.end(slot);
        assert_eq!(
            (executions.slot(&one), executions.owner(slot, 8)),
            (None, None)
        );
    }
}
