//! Steps 1 to 3: a run reads the log, freezes its inputs, checks whether it is already done, and stages its uploads.

use super::{Move, Step};
use crate::configuration::{Actor, Configuration};
use crate::invariants::Invariant;
use crate::mutants::Mutant;
use crate::state::{Attempt, Exit, Key, Number, Process, Purpose, key_of};

impl Move<'_> {
    /// Begins a new attempt of the process at step 1.
    pub(super) fn start_attempt(&mut self, plan: u8, attempt: u8, starts: u8) {
        let begun = self.me().begun;
        *self.me_mut() = Process {
            step: if self.is(Mutant::ListTablesAfterLog) {
                Step::ReadLog
            } else {
                Step::ListTables
            },
            attempt,
            starts,
            begun,
            ..Process::default()
        };
        self.store().attempts[usize::from(attempt)] = Attempt {
            plan,
            ..Attempt::default()
        };
    }

    /// 1.1: lists the table roots.
    pub(super) fn list_tables(mut self) -> Self {
        self.takes(Step::ListTables);
        if self.is(Mutant::InputsBeforeLog) {
            self.freeze();
        }
        let visible = self.state.store.visible();
        if self.is(Mutant::ListTablesAfterLog) {
            self.require_known(visible);
            self.me_mut().step = Step::ListInputs;
        } else {
            self.me_mut().keys = visible;
            self.me_mut().step = Step::ReadLog;
        }
        self
    }

    /// 1.2: reads the log, once. Every part that was listed before was committed before, so the log must contain it.
    pub(super) fn read_log(mut self) -> Self {
        self.takes(Step::ReadLog);
        let last = self.state.store.last();
        self.notes(last, None, "is the last record");
        self.me_mut().last = last;
        let listed = self.me().keys;
        self.require_known(listed);
        self.me_mut().keys = 0;
        self.me_mut().step = Step::FinishLast;
        self
    }

    /// Checks that every listed key is a part of a record: the product would refuse or delete any other as a foreign
    /// object.
    fn require_known(&mut self, listed: u16) {
        let last = self.me().last;
        let known = self.model.listed(&self.state.store, last);
        if listed & !known != 0 {
            self.breaks(Invariant::OwnPartTakenForForeign);
        }
    }

    /// 1.3: finishes the publish of the last record, if it is not marked.
    pub(super) fn finish_last(&mut self) {
        let last = self.me().last;
        let skips = match self.model.actor(self.who) {
            Actor::Run(_) => self.is(Mutant::LastPublishUnfinished),
            Actor::Reader => self.is(Mutant::ReaderFinishesNothing),
            Actor::Repair | Actor::Vacuum => false,
        };
        if skips || last == 0 || self.state.store.record(last).is_marked {
            self.opened();
        } else {
            self.takes(Step::FinishLast);
            self.notes(last, None, "is not marked");
            self.publish(last, Purpose::Opening);
        }
    }

    /// Goes on with the process's own work once the last record is published.
    pub(super) fn opened(&mut self) {
        match self.model.actor(self.who) {
            Actor::Run(_) if self.is(Mutant::ListTablesAfterLog) => {
                self.me_mut().step = Step::ListTables;
            }
            Actor::Run(_) => self.me_mut().step = Step::ListInputs,
            Actor::Repair => self.exits(Exit::Success),
            Actor::Vacuum => self.me_mut().step = Step::ListAttempts,
            Actor::Reader => self.me_mut().step = Step::ListParts,
        }
    }

    /// 1.4: lists the inputs.
    pub(super) fn list_inputs(mut self) -> Self {
        self.takes(Step::ListInputs);
        if !self.is(Mutant::InputsBeforeLog) {
            self.freeze();
        }
        self.me_mut().step = Step::FindRun;
        self
    }

    /// Records that the attempt has listed its inputs now, after all attempts that listed theirs before.
    fn freeze(&mut self) {
        let attempt = usize::from(self.me().attempt);
        let ranks = self.state.store.attempts.iter();
        let latest = ranks.map(|attempt| attempt.frozen).max().unwrap_or(0);
        self.store().attempts[attempt].frozen = latest + 1;
    }

    /// 1.5: lists a table to get the versions of its live parts; if one is missing, a later run must have replaced it.
    pub(super) fn list_parts(mut self) -> Self {
        self.takes(Step::ListParts);
        let (store, last) = (&self.state.store, self.me().last);
        let missing = self.model.read(store, last).live & !store.visible();
        let replaced = (last + 1..=store.last())
            .filter_map(|number| store.attempt_of(number))
            .fold(0, |set, attempt| {
                set | store.attempts[usize::from(attempt)].deletes
            });
        if missing & !replaced != 0 {
            self.breaks(Invariant::ReaderMissesPart);
        }
        self.exits(if missing == 0 {
            Exit::Success
        } else {
            Exit::TryAgain
        });
        self
    }

    /// 2.2: looks in the log, as it was read in 1.2, for a record that shows that this run is done.
    pub(super) fn find_run(&mut self) {
        self.takes(Step::FindRun);
        let (store, me) = (&self.state.store, self.me());
        let run = self.model.plan_of(store, me.attempt).run;
        let answers = self.model.read(store, me.last).answers;
        let same = (1..=me.last).rev().find(|number| {
            let attempt = store.attempt_of(*number);
            let is_same = attempt.is_some_and(|other| self.model.plan_of(store, other).run == run);
            answers >> number & 1 == 1 && is_same
        });
        match same {
            Some(number) if !self.model.force => {
                self.notes(number, None, "holds this run: done");
                self.succeeds(number);
            }
            _ => self.me_mut().step = Step::Aim,
        }
    }

    /// Reports success for a record and ends the process; checks that the record deserves it.
    pub(super) fn succeeds(&mut self, number: Number) {
        let store = self.state.store;
        let (last, begun, me) = (store.last(), self.me().begun, self.me().attempt);
        let is_live = Configuration::is_live(&store, number, last);
        if !store.record(number).is_marked || !is_live {
            self.breaks(Invariant::SuccessWithoutPublish);
        }
        // A record that commits after the process began does not count: the process may have read the log before that.
        let replaced = (number + 1..=begun).any(|later| {
            let attempt = store.attempt_of(later);
            let is_live = Configuration::is_live(&store, later, last);
            is_live
                && attempt.is_some_and(|other| {
                    let plan = self.model.plan_of(&store, other);
                    let appends = self.model.plan_of(&store, me).appends();
                    let overlaps = self.model.overlap(&store, me, other);
                    if appends {
                        plan.starts_over()
                    } else {
                        overlaps
                    }
                })
        });
        if replaced {
            self.breaks(Invariant::SuccessAlthoughReplaced);
        }
        self.exits(Exit::Success);
    }

    /// 2.3: chooses the next number, the inputs that the attempt consumes and the keys that it deletes.
    pub(super) fn aim(&mut self) {
        self.takes(Step::Aim);
        let (store, me) = (&self.state.store, self.me());
        let plan = *self.model.plan_of(store, me.attempt);
        let reading = self.model.read(store, me.last);
        let deletes = self.model.restricted(store, reading.live, plan.replaced());
        let consumes = if plan.appends() {
            let ignores = self.is(Mutant::ConsumedInputsTakenAgain);
            plan.inputs & !if ignores { 0 } else { reading.consumed }
        } else if plan.starts_over() {
            plan.inputs
        } else {
            0
        };
        self.notes(me.last + 1, None, "is its aim");
        self.me_mut().aim = me.last + 1;
        let attempt = &mut self.store().attempts[usize::from(me.attempt)];
        (attempt.deletes, attempt.consumes) = (deletes, consumes);
        self.me_mut().step = Step::OpenUploads;
    }

    /// 3.1: opens the upload of each part. No other process can observe what the run does from here until its put.
    pub(super) fn open_uploads(&mut self) {
        let attempt = self.me().attempt;
        let parts = self.model.written_parts(&self.state.store, attempt);
        if !parts.is_empty() {
            self.takes(Step::OpenUploads);
        }
        for (_, part) in parts.iter().zip(0..) {
            self.store().keys[key_of(attempt, part)] = Key::Open;
        }
        self.me_mut().step = Step::PutRecord;
    }
}
