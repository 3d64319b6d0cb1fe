//! The liveness check: after all processes are halted in any state, a repair, a reader and fresh runs bring the table
//! in order.

use std::collections::HashSet;

use crate::configuration::{Actor, Configuration};
use crate::invariants::Invariant;
use crate::state::{Exit, LAST_PROCESS, Process, State};
use crate::steps::{Step, Successors};
use crate::visited::hash;

/// The most steps of a process that runs alone: many times more than it needs, so reaching the limit means an endless
/// loop.
const MOST_STEPS: usize = 200;

/// Runs the liveness check once per content of the store: the memory of halted processes does not matter.
#[derive(Debug)]
pub struct Settling {
    configurations: Vec<Configuration>,
    seen: HashSet<u64>,
}

impl Settling {
    /// Returns a check with one recovering process per role: a repair, a reader, and each run of the configuration.
    pub fn new(configuration: &Configuration) -> Self {
        let runs = 1..u8::try_from(configuration.plans.len()).expect("there are few plans");
        let actors = [Actor::Repair, Actor::Reader].into_iter();
        let configurations = actors
            .chain(runs.map(Actor::Run))
            .map(|last_actor| Configuration {
                last_actor,
                ..configuration.clone()
            });
        Self {
            configurations: configurations.collect(),
            seen: HashSet::new(),
        }
    }

    /// Returns the number of different contents of the store that were checked.
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    /// Halts all processes, then lets each role recover alone; returns `NotSettled` if one does not end well or leaves
    /// the table out of order.
    pub fn broken_after(&mut self, state: &State) -> Option<Invariant> {
        if !self.seen.insert(hash(&state.store)) {
            return None;
        }
        let halted = state.halted();
        let mut repaired = None;
        for configuration in &self.configurations {
            let Some(end) = alone(configuration, halted) else {
                return Some(Invariant::NotSettled);
            };
            let exit = end.processes[LAST_PROCESS].exit;
            let was_lost = configuration.last_actor == Actor::Repair && exit == Exit::TryAgain;
            let last = end.store.last();
            let is_done = (exit == Exit::Success || was_lost) && end.store.record(last).is_marked;
            if !is_done || configuration.broken_in(&end).next().is_some() {
                return Some(Invariant::NotSettled);
            }
            repaired = repaired.or(Some(end.halted()));
        }
        // A fresh run after the repair.
        let repaired = repaired?;
        let mut runs = self
            .configurations
            .iter()
            .filter(|configuration| matches!(configuration.last_actor, Actor::Run(_)));
        let fails = runs.any(|configuration| {
            let end = alone(configuration, repaired);
            end.is_none_or(|end| end.processes[LAST_PROCESS].exit != Exit::Success)
        });
        fails.then_some(Invariant::NotSettled)
    }
}

/// Runs one process alone and without faults, and returns the state at its end; `None` if it never ends or breaks an
/// invariant.
fn alone(configuration: &Configuration, mut state: State) -> Option<State> {
    state.processes[LAST_PROCESS] = Process::default();
    let mut out = Successors::default();
    for _ in 0..MOST_STEPS {
        out.next.clear();
        configuration.step(&state, LAST_PROCESS, false, &mut out);
        // The order of concurrent requests does not matter when no other process runs.
        let next = out.next.first()?;
        if next.broken.is_some() {
            return None;
        }
        state = next.state;
        let process = &state.processes[LAST_PROCESS];
        if process.step == Step::Exited {
            return Some(state);
        }
    }
    None
}
