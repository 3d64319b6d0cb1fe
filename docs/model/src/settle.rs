//! What comes after a crash of everything: a repair, a reader and fresh runs bring any state in order.

use std::collections::HashSet;

use crate::configuration::{Actor, Configuration};
use crate::invariants::Invariant;
use crate::state::{Exit, LAST_PROCESS, Process, State};
use crate::steps::{Step, Successors};
use crate::visited::hash;

/// Steps that a lone process may need: many times what it does need, so more is an endless loop.
const MOST_STEPS: usize = 200;

/// Settles each content of the store once: what processes remember dies with them.
#[derive(Debug)]
pub struct Settling {
    configurations: Vec<Configuration>,
    seen: HashSet<u64>,
}

impl Settling {
    /// Returns a check of what comes after a freeze.
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

    /// Returns the number of contents that were settled.
    pub fn count(&self) -> usize {
        self.seen.len()
    }

    /// Freezes all processes; then each kind of process in turn must end well and leave the table in order.
    pub fn broken_after(&mut self, state: &State) -> Option<Invariant> {
        if !self.seen.insert(hash(&state.store)) {
            return None;
        }
        let frozen = state.frozen();
        let mut repaired = None;
        for configuration in &self.configurations {
            let Some(end) = alone(configuration, frozen) else {
                return Some(Invariant::NotSettled);
            };
            let exit = end.processes[LAST_PROCESS].exit;
            let was_lost = configuration.last_actor == Actor::Repair && exit == Exit::TryAgain;
            let last = end.store.last();
            let is_done = (exit == Exit::Success || was_lost) && end.store.record(last).is_marked;
            if !is_done || configuration.broken_in(&end).next().is_some() {
                return Some(Invariant::NotSettled);
            }
            repaired = repaired.or(Some(end.frozen()));
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

/// Lets one process run alone and without faults; `None` if it comes to no end or breaks an invariant.
fn alone(configuration: &Configuration, mut state: State) -> Option<State> {
    state.processes[LAST_PROCESS] = Process::default();
    let mut out = Successors::default();
    for _ in 0..MOST_STEPS {
        out.next.clear();
        configuration.step(&state, LAST_PROCESS, false, &mut out);
        // Any order of concurrent requests is as good when no other process runs.
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
