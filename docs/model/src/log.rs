//! The table that a log describes, computed twice: as the product reads the records, and as the runs in them are meant.

use crate::configuration::Configuration;
use crate::mutants::Mutant;
use crate::plan::Plan;
use crate::state::{Entry, Inputs, KeySet, Number, PARTS, Partitions, State, StoreState, key_of};

/// The result of reading the log as the product does: from the lists in its records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Keys of the live parts.
    pub live: KeySet,
    /// Inputs that were consumed: no append takes them again.
    pub consumed: Inputs,
    /// Records whose run counts as done, so that the same run is not run again: bit `number`.
    pub answers: u16,
}

impl Configuration {
    /// Returns the plan of an attempt.
    pub fn plan_of(&self, store: &StoreState, attempt: u8) -> &Plan {
        &self.plans[usize::from(store.attempts[usize::from(attempt)].plan)]
    }

    /// Returns the partitions of the parts that an attempt writes; an append that finds nothing new writes none.
    pub fn written_parts(&self, store: &StoreState, attempt: u8) -> &'static [u8] {
        let plan = self.plan_of(store, attempt);
        if plan.appends() && store.attempts[usize::from(attempt)].consumes == 0 {
            return &[];
        }
        plan.parts
    }

    /// Returns the keys of the parts that an attempt writes.
    pub fn keys_of(&self, store: &StoreState, attempt: u8) -> KeySet {
        let parts = self.written_parts(store, attempt).len();
        ((1 << parts) - 1) << (usize::from(attempt) * PARTS)
    }

    /// Returns the keys of an attempt's parts in the given partitions.
    fn keys_within(&self, store: &StoreState, attempt: u8, partitions: Partitions) -> KeySet {
        let parts = self.written_parts(store, attempt).iter().zip(0..);
        let within = parts.filter(|(partition, _)| partitions >> *partition & 1 == 1);
        within.fold(0, |set, (_, part)| set | 1 << key_of(attempt, part))
    }

    /// Returns those of `keys` whose parts are in the given partitions.
    pub fn restricted(&self, store: &StoreState, keys: KeySet, partitions: Partitions) -> KeySet {
        let attempts = (0..8u8).filter(|attempt| keys >> (usize::from(*attempt) * PARTS) & 3 != 0);
        let within = attempts.map(|attempt| self.keys_within(store, attempt, partitions));
        keys & within.fold(0, |all, some| all | some)
    }

    /// Returns the keys that all records up to a number list as parts, voided ones included.
    pub fn listed(&self, store: &StoreState, last: Number) -> KeySet {
        let attempts = (1..=last).filter_map(|number| store.attempt_of(number));
        attempts.fold(0, |set, attempt| set | self.keys_of(store, attempt))
    }

    /// Returns `true` if a record is that of a run and no record up to `last` voids it.
    pub fn is_live(store: &StoreState, number: Number, last: Number) -> bool {
        let voided = number < last && store.is_voided(number);
        matches!(store.record(number).entry, Entry::Run(_)) && !voided
    }

    /// Returns `true` if both attempts write or replace the same partition, as `Output::overlaps` of the product does.
    pub fn overlap(&self, store: &StoreState, one: u8, other: u8) -> bool {
        let written = |attempt| {
            let parts = self.written_parts(store, attempt).iter();
            parts.fold(0, |set, partition| set | 1 << partition)
        };
        let replaced = |attempt| self.plan_of(store, attempt).replaced();
        let (one_written, other_written): (Partitions, Partitions) = (written(one), written(other));
        let (one_replaced, other_replaced) = (replaced(one), replaced(other));
        one_written & other_written != 0
            || one_replaced & (other_written | other_replaced) != 0
            || other_replaced & one_written != 0
    }

    /// Returns `true` if two attempts conflict: they overlap in a partition, or both consume the same input.
    pub fn conflict(&self, store: &StoreState, one: u8, other: u8) -> bool {
        let consumes = |attempt: u8| store.attempts[usize::from(attempt)].consumes;
        self.overlap(store, one, other) || consumes(one) & consumes(other) != 0
    }

    /// Reads the log up to a record as the product does: parts are live until a record lists their key as deleted.
    pub fn read(&self, store: &StoreState, last: Number) -> Reading {
        let mut reading = Reading::default();
        for number in 1..=last {
            let Some(attempt) = store.attempt_of(number) else {
                continue;
            };
            if !Self::is_live(store, number, last) {
                if self.is(Mutant::VoidedRunsCount) {
                    reading.answers |= 1 << number;
                }
                continue;
            }
            let plan = self.plan_of(store, attempt);
            reading.live &= !store.attempts[usize::from(attempt)].deletes;
            reading.live |= self.keys_of(store, attempt);
            if plan.starts_over() {
                reading.consumed = 0;
            }
            reading.consumed |= store.attempts[usize::from(attempt)].consumes;
            reading.answers &= self.still_answering(store, reading.answers, number, attempt);
            reading.answers |= 1 << number;
        }
        reading
    }

    /// Returns those of `answers` whose run still counts as done after record `number` of attempt `by`.
    fn still_answering(&self, store: &StoreState, answers: u16, number: Number, by: u8) -> u16 {
        if self.is(Mutant::ReplacedRunsCount) {
            return answers;
        }
        let starts_over = self.plan_of(store, by).starts_over();
        let answering = (1..number).filter(|before| {
            let attempt = store.attempt_of(*before);
            answers >> before & 1 == 1
                && attempt.is_some_and(|attempt| match self.plan_of(store, attempt) {
                    plan if plan.appends() => !starts_over,
                    _ => !self.overlap(store, attempt, by),
                })
        });
        answering.fold(0, |set, before| set | 1 << before)
    }

    /// Returns the parts of the table after record `last`, computed from what each run replaces, not from the deleted
    /// keys.
    pub fn meant(&self, store: &StoreState, last: Number) -> KeySet {
        let live = (1..=last).filter(|number| Self::is_live(store, *number, last));
        live.filter_map(|number| store.attempt_of(number))
            .fold(0, |table, attempt| {
                let replaced = self.plan_of(store, attempt).replaced();
                table & !self.restricted(store, table, replaced) | self.keys_of(store, attempt)
            })
    }

    /// Returns `true` if a record contains this attempt.
    pub fn is_recorded(state: &State, attempt: u8) -> bool {
        let mut entries = state.store.records.iter().map(|record| record.entry);
        entries.any(|entry| entry == Entry::Run(attempt))
    }
}
