//! Step 8: vacuum. The model has no clock, so vacuum may run at any moment and regards every attempt as old.

use super::{Move, Step, Successors};
use crate::configuration::Configuration;
use crate::state::{Exit, Key, PARTS, key_of};

impl Move<'_> {
    /// 8.1: lists the attempts that have uploads and are in no record. All of them count as old.
    pub(super) fn list_attempts(mut self) -> Self {
        self.takes(Step::ListAttempts);
        let attempts = 1..self.state.store.attempts.len();
        let old = attempts.filter(|attempt| {
            let keys = &self.state.store.keys[attempt * PARTS..][..PARTS];
            let attempt = u8::try_from(*attempt).expect("there are few attempts");
            keys.contains(&Key::Open) && !Configuration::is_recorded(&self.state, attempt)
        });
        let old = old.fold(0, |set, attempt| set | 1 << attempt);
        self.me_mut().step = Step::RemoveUploads;
        self.me_mut().removes = old;
        if old == 0 {
            self.exits(Exit::Success);
        }
        self
    }

    /// 8.2: aborts an upload of such an attempt.
    ///
    /// Only a publish notices that an upload is gone, so an abort before the commit has the same effect as one right
    /// after it. The model explores only the latter.
    pub(super) fn remove_uploads(self, out: &mut Successors) {
        let last = self.state.store.last();
        let Some(attempt) = self.state.store.attempt_of(last) else {
            return;
        };
        if self.state.store.record(last).is_marked || self.me().removes >> attempt & 1 == 0 {
            return;
        }
        for part in 0..u8::try_from(PARTS).expect("an attempt has two parts") {
            let key = key_of(attempt, part);
            if matches!(self.state.store.keys[key], Key::Open | Key::Completing) {
                let mut aborts = self;
                aborts.takes(Step::RemoveUploads);
                aborts.notes(0, Some(key), "aborted");
                aborts.store().abort(key);
                aborts.finish(out);
            }
        }
    }
}
