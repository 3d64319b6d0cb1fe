//! Step 6: the commit. The process puts its record; after any answer but success, it finds out what the log contains.

use super::{Move, Step, Successors};
use crate::configuration::{Actor, Configuration};
use crate::invariants::Invariant;
use crate::mutants::Mutant;
use crate::state::{Entry, Exit, Number, PARTS, Process, Purpose, StoreState, key_of};

/// The most attempts that a process begins; the product begins up to three.
const STARTS: u8 = 2;

/// The difference between the numbers of two attempts of a process, so that no two processes share one.
const NEXT_ATTEMPT: u8 = 3;

impl Move<'_> {
    /// 6.1: puts its record, create-only.
    pub(super) fn put_record(mut self, out: &mut Successors) {
        self.may_stop(out);
        self.takes(Step::PutRecord);
        let last = self.state.store.last();
        if self.is(Mutant::LogReadAgain) && self.state.store.record(last).is_marked {
            self.me_mut().aim = last + 1;
        }
        let number = self.me().aim;
        if !StoreState::has_room(number) {
            out.is_cut = true;
            return;
        }
        if self.with_faults && self.state.faults.late_puts > 0 && self.me().in_flight == 0 {
            let mut late = self;
            late.notes(number, None, "not answered, still in flight");
            late.state.faults.late_puts -= 1;
            late.me_mut().in_flight = number;
            late.me_mut().has_put = true;
            late.me_mut().step = if self.is(Mutant::TimeoutIsRefusal) {
                Step::AbortAfterConflict
            } else {
                Step::ReadBack
            };
            late.finish(out);
        }
        self.me_mut().has_put = true;
        let is_free = self.state.store.record(number).entry == Entry::Absent;
        if is_free || self.is(Mutant::PutOverwrites) {
            self.notes(number, None, "committed");
            self.lands(number);
            self.committed(number);
        } else {
            self.notes(number, None, "refused");
            self.me_mut().step = Step::ReadBack;
        }
        self.finish(out);
    }

    /// Puts the record of the process's attempt into the log.
    fn lands(&mut self, number: Number) {
        let attempt = self.me().attempt;
        if number > 1 && !self.state.store.record(number - 1).is_marked {
            self.breaks(Invariant::PredecessorUnmarked);
        }
        self.store().record_mut(number).entry = Entry::Run(attempt);
    }

    /// Goes on once the log contains its own record.
    pub(super) fn committed(&mut self, number: Number) {
        if self.is(Mutant::SuccessBeforePublish) {
            self.succeeds(number);
        } else {
            self.publish(number, Purpose::Own);
        }
    }

    /// 6.2: reads the record at its number, which alone decides whether it has committed.
    pub(super) fn read_back(mut self, out: &mut Successors) {
        self.may_stop(out);
        self.takes(Step::ReadBack);
        let (number, attempt) = (self.me().aim, self.me().attempt);
        match self.state.store.record(number).entry {
            Entry::Absent => {
                self.notes(number, None, "is absent");
                self.me_mut().step = Step::PutRecord;
            }
            Entry::Run(other) if other == attempt => {
                self.notes(number, None, "is its own: committed");
                self.committed(number);
            }
            Entry::Run(_) | Entry::Void => {
                self.notes(number, None, "is another's");
                self.me_mut().step = Step::ReadFound;
            }
        }
        self.finish(out);
    }

    /// 6.3: reads every record from its number on, and checks whether one conflicts or is of the same run.
    pub(super) fn read_found(mut self, out: &mut Successors) {
        self.may_stop(out);
        self.takes(Step::ReadFound);
        let (store, me) = (self.state.store, self.me());
        let last = store.last();
        let seen = if self.is(Mutant::OnlyFirstRecordSeen) {
            me.aim
        } else {
            last
        };
        let live =
            || (me.aim..=seen).filter(|number| Configuration::is_live(&store, *number, last));
        let other = |number: &Number| store.attempt_of(*number);
        let run = self.model.plan_of(&store, me.attempt).run;
        let same = live().find(|number| {
            other(number).is_some_and(|other| self.model.plan_of(&store, other).run == run)
        });
        let conflict = live().find(|number| {
            other(number).is_some_and(|other| self.model.conflict(&store, me.attempt, other))
        });
        match (same, conflict) {
            (None, Some(number)) if !self.is(Mutant::ConflictsIgnored) => {
                self.notes(number, None, "conflicts");
                self.me_mut().step = Step::AbortAfterConflict;
            }
            _ => {
                let note = if same.is_some() {
                    "holds this run"
                } else {
                    "is the last of disjoint records"
                };
                self.notes(same.unwrap_or(last), None, note);
                self.me_mut().same = same.unwrap_or(0);
                self.me_mut().publishing = last;
                self.me_mut().step = Step::FinishFound;
            }
        }
        self.finish(out);
    }

    /// 6.4: finishes the publish of the last record, if it is not marked.
    pub(super) fn finish_found(mut self) -> Self {
        self.takes(Step::FinishFound);
        let number = self.me().publishing;
        let is_marked = self.state.store.record(number).is_marked;
        self.me_mut().purpose = Purpose::Found;
        if is_marked || self.is(Mutant::FoundPublishUnfinished) {
            self.notes(number, None, "is marked");
            self.published();
        } else {
            self.notes(number, None, "is not marked");
            self.publish(number, Purpose::Found);
        }
        self
    }

    /// 6.5: aborts its own uploads; then exits or starts again.
    pub(super) fn abort_own(mut self) -> Self {
        let (step, me) = (self.me().step, self.me());
        self.takes(step);
        self.abort_uploads();
        match step {
            Step::AbortAfterSame => {
                self.notes(me.same, None, "holds this run: done");
                self.succeeds(me.same);
            }
            Step::AbortAfterConflict => self.exits(Exit::Conflict),
            _ => self.start_again(),
        }
        self
    }

    /// Aborts all uploads of its attempt, which must be in no live record: from then on, any run may clean up after it
    /// (8.4).
    pub(super) fn abort_uploads(&mut self) {
        let attempt = self.me().attempt;
        let store = &self.state.store;
        let last = store.last();
        let mut live = (1..=last).filter(|number| Configuration::is_live(store, *number, last));
        if live.any(|number| store.attempt_of(number) == Some(attempt)) {
            self.breaks(Invariant::DeniedYetCommitted);
        }
        for part in 0..u8::try_from(PARTS).expect("an attempt has two parts") {
            self.store().abort(key_of(attempt, part));
        }
    }

    /// Starts again at step 1 with a new attempt; exits with `TryAgain` if it has begun as many as it may.
    fn start_again(&mut self) {
        let me = self.me();
        match self.model.actor(self.who) {
            Actor::Run(plan) if me.starts < STARTS && me.attempt <= NEXT_ATTEMPT => {
                self.start_attempt(plan, me.attempt + NEXT_ATTEMPT, me.starts + 1);
            }
            _ => self.exits(Exit::TryAgain),
        }
    }

    /// 6.6: chooses the number after the records that it found, without reading the log again.
    pub(super) fn take_next_number(&mut self) {
        self.takes(Step::TakeNextNumber);
        let me = self.me();
        self.notes(me.publishing + 1, None, "is its aim");
        *self.me_mut() = Process {
            step: Step::PutRecord,
            attempt: me.attempt,
            starts: me.starts,
            begun: me.begun,
            aim: me.publishing + 1,
            ..Process::default()
        };
    }
}
