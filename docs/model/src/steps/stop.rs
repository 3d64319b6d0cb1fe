//! Step 9: what a process does when it receives a stop.

use super::{Move, Step, Successors};
use crate::mutants::Mutant;
use crate::state::{Entry, Exit};

impl Move<'_> {
    /// Adds the successor in which the process receives a stop before its next step.
    pub(super) fn may_stop(&self, out: &mut Successors) {
        if !self.with_faults || self.state.faults.stops == 0 {
            return;
        }
        let mut stopped = *self;
        stopped.state.faults.stops -= 1;
        let undecided = self.me().has_put && self.me().step != Step::ReadFound;
        let step = if undecided && !self.is(Mutant::StopWithoutLook) {
            Step::LastLook
        } else {
            Step::StopBeforePut
        };
        stopped.takes(step);
        stopped.notes(0, None, "comes next: a stop is received");
        stopped.me_mut().step = step;
        stopped.finish(out);
    }

    /// 9.1: aborts its uploads; no record can contain its attempt.
    pub(super) fn stop_before_put(mut self) -> Self {
        self.takes(Step::StopBeforePut);
        self.abort_uploads();
        self.exits(Exit::Stopped);
        self
    }

    /// 9.2: reads the record at its number once more, because its put was sent. If it is absent, the put may still
    /// land.
    pub(super) fn last_look(mut self) -> Self {
        self.takes(Step::LastLook);
        let (number, attempt) = (self.me().aim, self.me().attempt);
        match self.state.store.record(number).entry {
            Entry::Run(other) if other == attempt => {
                self.notes(number, None, "is its own: committed");
                self.committed(number);
            }
            Entry::Absent => {
                self.notes(number, None, "is absent: undecided");
                self.exits(Exit::TryAgain);
            }
            Entry::Run(_) | Entry::Void => {
                self.notes(number, None, "is another's");
                self.me_mut().step = Step::StopBeforePut;
            }
        }
        self
    }
}
