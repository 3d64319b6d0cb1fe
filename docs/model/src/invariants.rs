//! The invariants, checked in every state and at every step.
//!
//! Some properties need no invariant of their own. If a replacing run is applied twice, the live parts differ from what
//! its records mean (`LogDisagrees`). If an append is applied twice, it takes an input twice (`InputTwice`). A record
//! for which success was reported is never voided later: it was marked at that time, and no record is both marked and
//! void (`MarkedAndVoid`).

use std::fmt;

use crate::configuration::Configuration;
use crate::state::{Exit, KeySet, Number, State, StoreState};

/// A property that must hold in every state, or at every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A record is put only if the record before it is marked.
    PredecessorUnmarked,
    /// Once the last record is marked, a listing shows every live part.
    LivePartMissing,
    /// Once the last record is marked, a listing shows no other part.
    DeadPartVisible,
    /// While a publish is in progress, either all parts from before it or all parts from after it are visible.
    OldDeletedTooEarly,
    /// The live parts by the keys that records delete are the live parts by what the runs mean to replace.
    LogDisagrees,
    /// No append takes an input that the table already contains.
    InputTwice,
    /// Of two runs that change the same partitions, the one that listed its inputs later replaces the other.
    OlderReplacesNewer,
    /// No record is both marked and void.
    MarkedAndVoid,
    /// Success is reported only for a record that is marked and live.
    SuccessWithoutPublish,
    /// A process does not report success for a record that had been replaced before the process began.
    SuccessAlthoughReplaced,
    /// An attempt that has aborted its uploads, or whose process ended with exit 5 or 143, is in no live record.
    DeniedYetCommitted,
    /// A part that a run wrote is never mistaken for a foreign object.
    OwnPartTakenForForeign,
    /// A reader misses a part only if a later run has replaced it.
    ReaderMissesPart,
    /// After all processes are halted, a repair, a reader and fresh runs end well and bring the table in order.
    NotSettled,
}

impl Invariant {
    /// All invariants, for tests.
    #[cfg(test)]
    pub const ALL: [Self; 14] = [
        Self::PredecessorUnmarked,
        Self::LivePartMissing,
        Self::DeadPartVisible,
        Self::OldDeletedTooEarly,
        Self::LogDisagrees,
        Self::InputTwice,
        Self::OlderReplacesNewer,
        Self::MarkedAndVoid,
        Self::SuccessWithoutPublish,
        Self::SuccessAlthoughReplaced,
        Self::DeniedYetCommitted,
        Self::OwnPartTakenForForeign,
        Self::ReaderMissesPart,
        Self::NotSettled,
    ];

    /// Returns a description of the violation.
    fn wrong(self) -> &'static str {
        match self {
            Self::PredecessorUnmarked => "a record exists although the one before it is not marked",
            Self::LivePartMissing => "the last record is marked, and a live part is not visible",
            Self::DeadPartVisible => {
                "the last record is marked, and a part that is not live is visible"
            }
            Self::OldDeletedTooEarly => "neither all old parts nor all new parts are visible",
            Self::LogDisagrees => {
                "the parts that are live by the deleted keys differ from those that the runs mean"
            }
            Self::InputTwice => "an append took an input that the table already contained",
            Self::OlderReplacesNewer => "a run replaces one that listed its inputs later",
            Self::MarkedAndVoid => "a record is both marked and void",
            Self::SuccessWithoutPublish => {
                "success is reported for a record that is unmarked or void"
            }
            Self::SuccessAlthoughReplaced => {
                "success is reported for a record that had been replaced before"
            }
            Self::DeniedYetCommitted => {
                "an attempt that was abandoned, with exit 5 or 143 or to start again, is committed"
            }
            Self::OwnPartTakenForForeign => {
                "a part that a run wrote is mistaken for a foreign object"
            }
            Self::ReaderMissesPart => "a reader misses a part that no later run replaced",
            Self::NotSettled => {
                "after a halt, a repair, a reader or a fresh run does not end with the table in order"
            }
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} ({})", self.wrong())
    }
}

impl Configuration {
    /// Returns the invariants that a state breaks.
    pub fn broken_in(&self, state: &State) -> impl Iterator<Item = Invariant> + use<> {
        let store = &state.store;
        let last = store.last();
        let is_marked = store.record(last).is_marked;
        let (visible, meant) = (store.visible(), self.meant(store, last));
        let hides = |keys: KeySet| keys & !visible != 0;
        let broken = [
            (
                Invariant::LogDisagrees,
                self.read(store, last).live != meant,
            ),
            (Invariant::LivePartMissing, is_marked && hides(meant)),
            (
                Invariant::DeadPartVisible,
                is_marked && visible & !meant != 0,
            ),
            (
                Invariant::OldDeletedTooEarly,
                !is_marked && hides(meant) && hides(self.meant(store, last - 1)),
            ),
            (
                Invariant::PredecessorUnmarked,
                (1..last).any(|number| !store.record(number).is_marked && !store.is_voided(number)),
            ),
            (
                Invariant::MarkedAndVoid,
                (1..last).any(|number| store.record(number).is_marked && store.is_voided(number)),
            ),
            (
                Invariant::OlderReplacesNewer,
                self.replaces_newer(store, last),
            ),
            (Invariant::InputTwice, self.takes_twice(store, last)),
            (Invariant::DeniedYetCommitted, denied_is_live(state, last)),
        ];
        let broken = broken.into_iter().filter(|(_, is_broken)| *is_broken);
        broken.map(|(invariant, _)| invariant)
    }

    /// Returns `true` if a live run replaces an earlier record whose run listed its inputs later.
    fn replaces_newer(&self, store: &StoreState, last: Number) -> bool {
        let frozen = |attempt: u8| store.attempts[usize::from(attempt)].frozen;
        live(store, 1, last).any(|(number, earlier)| {
            live(store, number + 1, last).any(|(_, later)| {
                let plans = (self.plan_of(store, earlier), self.plan_of(store, later));
                plans.0.run != plans.1.run
                    && !plans.0.appends()
                    && !plans.1.appends()
                    && frozen(later) < frozen(earlier)
                    && self.overlap(store, earlier, later)
            })
        })
    }

    /// Returns `true` if a live append takes an input that the table already contains.
    fn takes_twice(&self, store: &StoreState, last: Number) -> bool {
        let mut held = 0;
        for (_, attempt) in live(store, 1, last) {
            let plan = self.plan_of(store, attempt);
            let consumes = store.attempts[usize::from(attempt)].consumes;
            if plan.starts_over() {
                held = 0;
            }
            if plan.appends() && held & consumes != 0 {
                return true;
            }
            held |= consumes;
        }
        false
    }
}

/// Returns the live records from number `from` to `last`, each with its attempt.
fn live(store: &StoreState, from: Number, last: Number) -> impl Iterator<Item = (Number, u8)> {
    let live = (from..=last).filter(move |number| Configuration::is_live(store, *number, last));
    live.filter_map(|number| Some((number, store.attempt_of(number)?)))
}

/// Returns `true` if an attempt that ended with exit 5 or 143 is in a live record.
fn denied_is_live(state: &State, last: Number) -> bool {
    let denied = state.processes.iter().filter(|process| {
        process.attempt > 0 && matches!(process.exit, Exit::Conflict | Exit::Stopped)
    });
    let mut denied = denied.map(|process| process.attempt);
    denied.any(|denied| live(&state.store, 1, last).any(|(_, attempt)| attempt == denied))
}
