//! Step 7: the publish, after which a listing of the table shows what the record says. Any process can carry it out.

use super::{Move, Step, Successors};
use crate::configuration::Actor;
use crate::mutants::Mutant;
use crate::state::{Entry, Exit, KEYS, Key, KeySet, Number, Purpose, key_of};

/// A stage of a publish.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Complete,
    Delete,
    Mark,
}

impl Move<'_> {
    /// Begins the publish of a record.
    pub(super) fn publish(&mut self, number: Number, purpose: Purpose) {
        let me = self.me_mut();
        (me.publishing, me.purpose) = (number, purpose);
        (me.aim, me.has_put) = (0, false);
        (me.asked, me.looked, me.is_missing) = (0, 0, false);
        self.first_stage();
    }

    /// Returns the stages in order: new parts are completed before old ones are deleted, and the mark is put last.
    fn stages(&self) -> [Stage; 3] {
        use Stage::{Complete, Delete, Mark};
        if self.is(Mutant::DeleteBeforeComplete) {
            [Delete, Complete, Mark]
        } else if self.is(Mutant::MarkBeforeDelete) {
            [Complete, Mark, Delete]
        } else if self.is(Mutant::MarkBeforeComplete) {
            [Mark, Complete, Delete]
        } else {
            [Complete, Delete, Mark]
        }
    }

    /// Starts the first stage that has something to do.
    pub(super) fn first_stage(&mut self) {
        self.after(None);
    }

    /// Starts the next stage after `done` that has something to do; ends the publish after the last stage.
    fn after(&mut self, done: Option<Stage>) {
        let stages = self.stages();
        let next = done.map_or(0, |done| {
            let at = stages.iter().position(|stage| *stage == done);
            at.expect("each stage is in each order") + 1
        });
        for stage in &stages[next..] {
            match stage {
                Stage::Complete if self.parts() > 0 => {
                    self.me_mut().step = Step::Complete;
                    return;
                }
                Stage::Delete => {
                    let keys = self.deletes();
                    self.me_mut().keys = keys;
                    if keys != 0 {
                        self.me_mut().step = Step::Delete;
                        return;
                    }
                }
                Stage::Mark => {
                    self.me_mut().step = Step::PutMark;
                    return;
                }
                Stage::Complete => {}
            }
        }
        self.published();
    }

    /// Goes on to the next stage once all parts exist.
    pub(super) fn completed(&mut self) {
        self.after(Some(Stage::Complete));
    }

    /// Returns the number of parts of the record that is published.
    pub(super) fn parts(&self) -> u8 {
        let store = &self.state.store;
        let parts = store
            .attempt_of(self.me().publishing)
            .map_or(0, |attempt| self.model.written_parts(store, attempt).len());
        u8::try_from(parts).expect("an attempt has two parts")
    }

    /// Returns the keys that the record deletes: the parts that its run replaces, or, if it is void, all parts of the
    /// lost run.
    fn deletes(&self) -> KeySet {
        let store = &self.state.store;
        let number = self.me().publishing;
        match store.record(number).entry {
            Entry::Run(attempt) => store.attempts[usize::from(attempt)].deletes,
            Entry::Void if self.is(Mutant::VoidDeletesNothing) => 0,
            Entry::Void => {
                let voided = store.attempt_of(number - 1);
                voided.map_or(0, |attempt| self.model.keys_of(store, attempt))
            }
            Entry::Absent => 0,
        }
    }

    /// Returns the key of a part of the record that is published.
    pub(super) fn key(&self, part: u8) -> usize {
        let attempt = self.state.store.attempt_of(self.me().publishing);
        key_of(attempt.expect("only records of runs have parts"), part)
    }

    /// 7.1 and 7.2: completes each upload, then checks its key. The requests of all parts are in flight at the same
    /// time.
    pub(super) fn complete_or_look(self, out: &mut Successors) {
        for part in 0..self.parts() {
            if self.me().asked >> part & 1 == 0 {
                self.complete(part, out);
            } else if self.me().looked >> part & 1 == 0 {
                self.look(part).finish(out);
            }
        }
    }

    /// 7.1: completes the upload of a part. The answer decides nothing: step 7.2 checks whether the object exists.
    fn complete(mut self, part: u8, out: &mut Successors) {
        self.takes(Step::Complete);
        let key = self.key(part);
        let is_open = matches!(self.state.store.keys[key], Key::Open | Key::Completing);
        if self.with_faults && is_open && self.state.faults.misleading > 0 {
            let mut misled = self;
            misled.notes(0, Some(key), "answered as if decided, without effect");
            misled.state.faults.misleading -= 1;
            misled.me_mut().asked |= 1 << part;
            misled.step_after_answer();
            misled.finish(out);
        }
        let is_unsent = self.state.store.keys[key] == Key::Open;
        if self.with_faults && is_unsent && self.state.faults.late_completions > 0 {
            let mut late = self;
            late.notes(0, Some(key), "not answered, still in flight");
            late.state.faults.late_completions -= 1;
            late.store().keys[key] = Key::Completing;
            late.finish(out);
        }
        if is_open {
            self.notes(0, Some(key), "done");
            self.store().keys[key] = Key::Object;
        } else {
            self.notes(0, Some(key), "no such upload");
        }
        self.me_mut().asked |= 1 << part;
        self.step_after_answer();
        self.finish(out);
    }

    /// Goes on after all answers: with 7.2, or, for the mutant that trusts answers, with the next stage.
    fn step_after_answer(&mut self) {
        if self.is(Mutant::AnswersBelieved)
            && self.me().asked.count_ones() == u32::from(self.parts())
        {
            self.completed();
        }
    }

    /// 7.2: checks whether the object of a part exists.
    fn look(mut self, part: u8) -> Self {
        self.takes(Step::Look);
        let key = self.key(part);
        self.me_mut().looked |= 1 << part;
        if self.state.store.keys[key] == Key::Object {
            self.notes(0, Some(key), "is there");
        } else {
            self.notes(0, Some(key), "is missing");
            self.me_mut().is_missing = true;
        }
        if self.me().looked.count_ones() < u32::from(self.parts()) {
            return self;
        }
        let is_missing = self.me().is_missing;
        let me = self.me_mut();
        (me.asked, me.looked, me.is_missing) = (0, 0, false);
        if is_missing {
            self.me_mut().step = if self.is(Mutant::LostAtFirstLook) {
                Step::ReadMark
            } else if self.is(Mutant::NoAbortBeforeSecondLook) {
                Step::LookAgain
            } else {
                Step::AbortAll
            };
        } else {
            self.completed();
        }
        self
    }

    /// 7.9: deletes one of the keys that are left, in any order; a missing object is not an error.
    pub(super) fn delete(self, out: &mut Successors) {
        for key in (0..KEYS).filter(|key| self.me().keys >> key & 1 == 1) {
            let mut deletes = self;
            deletes.takes(Step::Delete);
            deletes.notes(0, Some(key), "");
            if deletes.state.store.keys[key] == Key::Object {
                deletes.store().keys[key] = Key::Absent;
            }
            deletes.me_mut().keys &= !(1 << key);
            if deletes.me().keys == 0 {
                deletes.after(Some(Stage::Delete));
            }
            deletes.finish(out);
        }
    }

    /// 7.10: puts the mark of the record.
    pub(super) fn put_mark(mut self) -> Self {
        self.takes(Step::PutMark);
        let number = self.me().publishing;
        self.notes(number, None, "is published");
        self.store().record_mut(number).is_marked = true;
        self.after(Some(Stage::Mark));
        self
    }

    /// Goes on once the publish has ended: the record is marked, or it is void and the void record is marked.
    pub(super) fn published(&mut self) {
        let me = self.me();
        let process = self.me_mut();
        process.has_voided = false;
        process.keys = 0;
        match (self.model.actor(self.who), me.purpose, me.has_voided) {
            (Actor::Repair, _, true) => self.exits(Exit::TryAgain),
            (Actor::Reader, _, true) => self.me_mut().step = Step::ReadLog,
            (Actor::Run(plan), Purpose::Opening, true) => {
                self.start_attempt(plan, me.attempt, me.starts);
            }
            // Vacuum goes on even after a void record.
            (_, Purpose::Opening, _) => self.opened(),
            (_, Purpose::Own, false) => self.succeeds(me.publishing),
            (_, Purpose::Found, false) if me.same > 0 => self.me_mut().step = Step::AbortAfterSame,
            (_, Purpose::Found, false) => self.me_mut().step = Step::TakeNextNumber,
            (_, Purpose::Own | Purpose::Found, true) => {
                self.me_mut().step = Step::AbortAndStartAgain;
            }
        }
        if self.me().step != Step::TakeNextNumber {
            self.me_mut().publishing = 0;
        }
    }
}
