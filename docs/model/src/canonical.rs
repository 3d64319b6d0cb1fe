//! Reduction of states: two states that differ only in what can no longer matter become the same state.

use crate::state::{ATTEMPTS, Attempt, Entry, Exit, KEYS, Key, PARTS, RECORDS, State};

impl State {
    /// Clears attempts that have ended and are in no record, and puts that can no longer land; replaces times by their
    /// ranks.
    pub fn forget_irrelevant(&mut self) {
        let mut recorded = 1u8;
        for record in &self.store.records[1..] {
            match record.entry {
                Entry::Run(attempt) => recorded |= 1 << attempt,
                Entry::Void => {}
                Entry::Absent => break,
            }
        }
        let mut needed = recorded;
        for process in &mut self.processes {
            let in_flight = usize::from(process.in_flight);
            if in_flight > 0
                && in_flight < RECORDS
                && self.store.records[in_flight].entry != Entry::Absent
            {
                process.in_flight = 0;
            }
            let is_over = process.exit != Exit::Running && process.in_flight == 0;
            if is_over && recorded >> process.attempt & 1 == 0 {
                process.attempt = 0;
            }
            // Only `Conflict` and `Stopped` claim that the attempt has not committed; after other exits it does not
            // matter.
            if is_over && matches!(process.exit, Exit::Success | Exit::TryAgain) {
                process.attempt = 0;
            }
            needed |= 1 << process.attempt;
        }
        for attempt in 0..ATTEMPTS {
            if needed >> attempt & 1 == 0 {
                self.store.attempts[attempt] = Attempt::default();
                self.store.keys[attempt * PARTS..][..PARTS].fill(Key::Absent);
            }
        }
        for process in &mut self.processes {
            process.removes &= needed;
            if process.removes != 0 {
                let keys = &self.store.keys;
                let open =
                    (0..KEYS).filter(|key| matches!(keys[*key], Key::Open | Key::Completing));
                let open = open.fold(0, |set, key| set | 1 << (key / PARTS));
                process.removes &= open;
            }
        }
        self.rank_freezes();
    }

    /// Replaces the times at which attempts listed their inputs by their ranks, because only their order matters.
    fn rank_freezes(&mut self) {
        let before = self.store.attempts;
        for attempt in &mut self.store.attempts {
            if attempt.frozen > 0 {
                let times = before.iter().map(|other| other.frozen);
                let earlier = times.filter(|time| *time > 0 && *time < attempt.frozen);
                attempt.frozen = u8::try_from(earlier.count()).expect("there are few attempts") + 1;
            }
        }
    }
}
