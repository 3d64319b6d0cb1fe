//! What must hold, in every state and at every step.

use std::fmt;

use crate::configuration::Configuration;
use crate::state::{Exit, KeySet, Number, State, StoreState};

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A record is put only when the one before is marked.
    PredecessorUnmarked,
    /// Once the last record is marked, a listing shows every live part.
    LivePartMissing,
    /// Once the last record is marked, a listing shows no other part.
    DeadPartVisible,
    /// While a publish is under way, all that was there before it or all that is there after it is visible.
    OldDeletedTooEarly,
    /// What the log says by the keys that records delete is what its runs mean.
    LogDisagrees,
    /// Of one run, parts of one attempt are live.
    RunTwice,
    /// No append takes an input that the table holds already.
    InputTwice,
    /// Of two runs that change the same, the one that listed its inputs later wins.
    OlderReplacesNewer,
    /// A record is marked or void, not both.
    MarkedAndVoid,
    /// A record is not voided once a process has reported success because of it.
    SuccessThenVoid,
    /// Success is reported only for a record that is marked and live.
    SuccessWithoutPublish,
    /// Success is not reported because of a record that had been replaced before the process began.
    SuccessAlthoughReplaced,
    /// An attempt that ended with exit 5 or 143 is in no live record.
    DeniedYetCommitted,
    /// A part that a run wrote is not taken for a foreign object.
    OwnPartTakenForForeign,
    /// A reader misses only a part that a later run has replaced.
    ReaderMissesPart,
    /// After all processes are frozen, a repair or a fresh run comes to an end.
    NotSettled,
}

impl Invariant {
    /// Returns what is wrong if it does not hold.
    fn wrong(self) -> &'static str {
        match self {
            Self::PredecessorUnmarked => "a record is there although the one before is not marked",
            Self::LivePartMissing => "the last record is marked, and a live part is not visible",
            Self::DeadPartVisible => "the last record is marked, and a part that is not live is visible",
            Self::OldDeletedTooEarly => "neither all old parts nor all new parts are visible",
            Self::LogDisagrees => "the keys that records delete leave other parts live than their runs mean",
            Self::RunTwice => "two attempts at one run are live",
            Self::InputTwice => "an append took an input that the table held already",
            Self::OlderReplacesNewer => "a run replaces one that listed its inputs later",
            Self::MarkedAndVoid => "a record is both marked and void",
            Self::SuccessThenVoid => "success was reported for a record that is void now",
            Self::SuccessWithoutPublish => "success is reported for a record that is unmarked or void",
            Self::SuccessAlthoughReplaced => "success is reported for what had been replaced before",
            Self::DeniedYetCommitted => "exit 5 or 143 was reported for an attempt that is committed",
            Self::OwnPartTakenForForeign => "a part that a run wrote is taken for a foreign object",
            Self::ReaderMissesPart => "a reader misses a part that no later run replaced",
            Self::NotSettled => "after a freeze, a repair or a fresh run does not bring the table in order",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({})", self.wrong())
    }
}

impl Configuration {
    /// Returns the first invariant that a state breaks.
    pub fn broken_in(&self, state: &State) -> Option<Invariant> {
        let store = &state.store;
        let last = store.last();
        self.broken_listing(store, last)
            .or_else(|| self.broken_log(store, last))
            .or_else(|| broken_reports(state, last))
    }

    /// Compares what a listing shows with what is meant.
    fn broken_listing(&self, store: &StoreState, last: Number) -> Option<Invariant> {
        let (visible, meant) = (store.visible(), self.meant(store, last));
        let hides = |keys: KeySet| keys & !visible != 0;
        if store.record(last).is_marked {
            return if hides(meant) {
                Some(Invariant::LivePartMissing)
            } else if visible != meant {
                Some(Invariant::DeadPartVisible)
            } else if self.read(store, last).live != meant {
                Some(Invariant::LogDisagrees)
            } else {
                None
            };
        }
        (hides(meant) && hides(self.meant(store, last - 1))).then_some(Invariant::OldDeletedTooEarly)
    }

    /// Compares the live records of a log with each other.
    fn broken_log(&self, store: &StoreState, last: Number) -> Option<Invariant> {
        let unmarked = |number: &Number| {
            !store.record(*number).is_marked && !store.is_voided(*number)
        };
        if (1..last).any(|number| unmarked(&number)) {
            return Some(Invariant::PredecessorUnmarked);
        }
        if (1..last).any(|number| store.record(number).is_marked && store.is_voided(number)) {
            return Some(Invariant::MarkedAndVoid);
        }
        let live = |from: Number| (from..=last).filter(move |number| Self::is_live(store, *number, last));
        let table = self.meant(store, last);
        for earlier in live(1) {
            for later in live(earlier + 1) {
                let pair = (store.attempt_of(earlier)?, store.attempt_of(later)?);
                let broken = self.broken_pair(store, table, pair);
                if broken.is_some() {
                    return broken;
                }
            }
        }
        let mut held = 0;
        for number in live(1) {
            let attempt = store.attempt_of(number)?;
            let (plan, consumes) = (
                self.plan_of(store, attempt),
                store.attempts[usize::from(attempt)].consumes,
            );
            if plan.starts_over() {
                held = 0;
            }
            if plan.appends() && held & consumes != 0 {
                return Some(Invariant::InputTwice);
            }
            held |= consumes;
        }
        None
    }

    /// Compares two attempts in live records, the earlier one first.
    fn broken_pair(&self, store: &StoreState, table: KeySet, pair: (u8, u8)) -> Option<Invariant> {
        let (earlier, later) = pair;
        let plans = (self.plan_of(store, earlier), self.plan_of(store, later));
        let is_live = |attempt| self.keys_of(store, attempt) & table != 0;
        if plans.0.run == plans.1.run {
            return (is_live(earlier) && is_live(later)).then_some(Invariant::RunTwice);
        }
        let frozen = |attempt: u8| store.attempts[usize::from(attempt)].frozen;
        let replaces = !plans.0.appends() && !plans.1.appends() && self.overlap(store, earlier, later);
        (replaces && frozen(later) < frozen(earlier)).then_some(Invariant::OlderReplacesNewer)
    }
}

/// Compares what processes have reported with the log.
fn broken_reports(state: &State, last: Number) -> Option<Invariant> {
    let store = &state.store;
    if (1..last).any(|number| state.acknowledged >> number & 1 == 1 && store.is_voided(number)) {
        return Some(Invariant::SuccessThenVoid);
    }
    let denied = |attempt: u8| {
        let mut processes = state.processes.iter();
        attempt > 0
            && processes.any(|process| {
                process.attempt == attempt
                    && matches!(process.exit, Exit::Conflict | Exit::Stopped)
            })
    };
    let mut live = (1..=last).filter(|number| Configuration::is_live(store, *number, last));
    let committed = live.any(|number| store.attempt_of(number).is_some_and(denied));
    committed.then_some(Invariant::DeniedYetCommitted)
}
