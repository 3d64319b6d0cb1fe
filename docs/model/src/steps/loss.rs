//! Steps 7.3 to 7.7: a part is missing. The process finds out whether the run can still be published or is lost for
//! good.

use super::{Move, Step, Successors};
use crate::invariants::Invariant;
use crate::mutants::Mutant;
use crate::state::{Entry, Exit, Key, Number, StoreState};

impl Move<'_> {
    /// 7.3: aborts all uploads of the record, so that no completion can take effect any more.
    pub(super) fn abort_all(self, out: &mut Successors) {
        for part in 0..self.parts() {
            if self.me().asked >> part & 1 == 1 {
                continue;
            }
            let mut aborts = self;
            aborts.takes(Step::AbortAll);
            let key = aborts.key(part);
            aborts.notes(0, Some(key), "");
            let is_forgotten = aborts.state.store.keys[key] == Key::Completing
                && aborts.is(Mutant::StoreForgetsUploads);
            if !is_forgotten {
                aborts.store().abort(key);
            }
            aborts.me_mut().asked |= 1 << part;
            if aborts.me().asked.count_ones() == u32::from(aborts.parts()) {
                aborts.me_mut().asked = 0;
                aborts.me_mut().step = if self.is(Mutant::NoSecondLook) {
                    Step::ReadMark
                } else {
                    Step::LookAgain
                };
            }
            aborts.finish(out);
        }
    }

    /// 7.4: checks the keys of all parts once more; an object that is missing now can never appear.
    pub(super) fn look_again(self, out: &mut Successors) {
        for part in 0..self.parts() {
            if self.me().looked >> part & 1 == 1 {
                continue;
            }
            let mut looks = self;
            looks.takes(Step::LookAgain);
            let key = looks.key(part);
            looks.me_mut().looked |= 1 << part;
            if looks.state.store.keys[key] == Key::Object {
                looks.notes(0, Some(key), "is there");
                if looks.me().looked.count_ones() == u32::from(looks.parts()) {
                    looks.me_mut().looked = 0;
                    looks.completed();
                }
            } else {
                // The other checks cannot change the result.
                looks.notes(0, Some(key), "is missing");
                looks.me_mut().looked = 0;
                looks.me_mut().step = Step::ReadMark;
            }
            looks.finish(out);
        }
    }

    /// 7.5: checks whether the record is marked; if so, another process has finished the publish.
    pub(super) fn read_mark(mut self) -> Self {
        self.takes(Step::ReadMark);
        let number = self.me().publishing;
        if self.state.store.record(number).is_marked && !self.is(Mutant::MarkNotLookedAt) {
            self.notes(number, None, "is marked");
            self.published();
        } else {
            self.notes(number, None, "is not marked");
            self.me_mut().step = Step::ReadNext;
        }
        self
    }

    /// 7.6: reads the next record. A void record is published; the record of a run shows that this record is marked.
    pub(super) fn read_next(mut self) -> Self {
        self.takes(Step::ReadNext);
        let next = self.me().publishing + 1;
        if !StoreState::has_room(next) {
            self.me_mut().step = Step::PutVoid;
            return self;
        }
        match self.state.store.record(next).entry {
            Entry::Void => {
                self.notes(next, None, "is a void");
                self.publish_void(next);
            }
            Entry::Run(_) => {
                self.notes(next, None, "is a run");
                self.published();
            }
            Entry::Absent => {
                self.notes(next, None, "is absent");
                self.me_mut().step = Step::PutVoid;
            }
        }
        self
    }

    /// 7.7: puts the record that voids this one, create-only.
    pub(super) fn put_void(mut self, out: &mut Successors) {
        self.takes(Step::PutVoid);
        let number = self.me().publishing + 1;
        if self.is(Mutant::LossNotVoided) {
            self.exits(Exit::TryAgain);
            return self.finish(out);
        }
        if !StoreState::has_room(number) {
            out.is_cut = true;
            return;
        }
        if self.state.store.record(number).entry == Entry::Absent {
            self.notes(number, None, "voids the one before");
            if self.state.store.record(number - 1).is_marked {
                self.breaks(Invariant::MarkedAndVoid);
            }
            self.store().record_mut(number).entry = Entry::Void;
            self.publish_void(number);
        } else {
            self.notes(number, None, "refused");
            self.me_mut().step = Step::ReadNext;
        }
        self.finish(out);
    }

    /// Publishes a void record: deletes the completed parts of the lost run, then puts the mark.
    fn publish_void(&mut self, number: Number) {
        self.me_mut().has_voided = true;
        self.me_mut().publishing = number;
        self.first_stage();
    }
}
