//! A configuration: the processes, their plans, the first contents of the table, and the number of faults.

use crate::log::Reading;
use crate::mutants::Mutant;
use crate::plan::Plan;
use crate::state::{Attempt, Entry, Exit, Faults, Key, LAST_PROCESS, PARTS, State, key_of};
use crate::steps::{Event, Step, Successor, Successors};

/// The role of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Runs the plan of this index.
    Run(u8),
    /// Finishes the publish of the last record.
    Repair,
    /// Finishes the publish of the last record and aborts old uploads that no record needs.
    Vacuum,
    /// Reads the table through its log, as a query or a downstream job does.
    Reader,
}

/// One small world to explore in full: the plans, processes and faults with which the protocol is run.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Its name, which lists table, processes and faults.
    pub name: String,
    /// The plans of runs; the first one has published the table before any process begins.
    pub plans: Vec<Plan>,
    /// The role of each process.
    pub actors: Vec<Actor>,
    /// The number of times that each fault may happen.
    pub faults: Faults,
    /// Whether to skip 2.2, as `--force` does.
    pub force: bool,
    /// The deviation from the protocol that the search must catch; `None` for the protocol itself.
    pub mutant: Option<Mutant>,
    /// The role of the process that starts after all others are halted.
    pub last_actor: Actor,
}

impl Configuration {
    /// Returns a configuration without faults.
    pub fn new(name: impl Into<String>, plans: &[Plan], actors: &[Actor]) -> Self {
        assert!(
            actors.len() <= LAST_PROCESS,
            "the model has three processes"
        );
        Self {
            name: name.into(),
            plans: plans.to_vec(),
            actors: actors.to_vec(),
            faults: Faults::default(),
            force: false,
            mutant: None,
            last_actor: Actor::Repair,
        }
    }

    /// Returns `true` if the configuration deviates from the protocol by this mutant.
    pub fn is(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// Returns the initial state: one published record, and no process has begun.
    pub fn first(&self) -> State {
        let mut state = State {
            faults: self.faults,
            ..State::default()
        };
        let plan = &self.plans[0];
        state.store.attempts[0] = Attempt {
            consumes: plan.inputs,
            ..Attempt::default()
        };
        let record = state.store.record_mut(1);
        (record.entry, record.is_marked) = (Entry::Run(0), true);
        for (_, part) in plan.parts.iter().zip(0..) {
            state.store.keys[key_of(0, part)] = Key::Object;
        }
        for process in &mut state.processes[self.actors.len()..] {
            process.step = Step::Exited;
        }
        let Reading { live, .. } = self.read(&state.store, 1);
        debug_assert_eq!(live, state.store.visible());
        state
    }

    /// Adds every state that one event can lead to.
    pub fn successors(&self, state: &State, out: &mut Successors) {
        for who in 0..self.actors.len() {
            // Two processes with the same role are interchangeable, so the first of them begins first.
            let waits = who > 0
                && state.processes[who].step == Step::Idle
                && state.processes[who - 1].step == Step::Idle
                && self.actors[who] == self.actors[who - 1];
            if !waits {
                self.step(state, who, true, out);
            }
        }
        self.store_events(state, out);
    }

    /// Adds the states after each event of the store: it drops an upload, completes one late, or lets a put land late.
    fn store_events(&self, state: &State, out: &mut Successors) {
        let last = state.store.last();
        // Only a publish notices that an upload is gone, so it is enough to drop those of the last record while it is
        // open.
        if let (Some(attempt), false) = (
            state.store.attempt_of(last),
            state.store.record(last).is_marked,
        ) {
            for part in 0..PARTS {
                let key = usize::from(attempt) * PARTS + part;
                let found = state.store.keys[key];
                if matches!(found, Key::Open | Key::Completing) && state.faults.drops > 0 {
                    let mut next = *state;
                    next.faults.drops -= 1;
                    next.store.keys[key] = Key::Absent;
                    push(out, next, Some(key), 0, "drops an upload");
                }
                if found == Key::Completing {
                    let mut next = *state;
                    next.store.keys[key] = Key::Object;
                    push(out, next, Some(key), 0, "completes an upload late");
                }
            }
        }
        for who in 0..self.actors.len() {
            let process = state.processes[who];
            if process.in_flight > 0 && state.store.record(process.in_flight).entry == Entry::Absent
            {
                let mut next = *state;
                next.store.record_mut(process.in_flight).entry = Entry::Run(process.attempt);
                next.processes[who].in_flight = 0;
                push(out, next, None, process.in_flight, "lets a put land late");
            }
        }
    }
}

fn push(
    out: &mut Successors,
    mut state: State,
    key: Option<usize>,
    record: u8,
    note: &'static str,
) {
    state.forget_irrelevant();
    out.next.push(Successor {
        state,
        event: Event::Store { key, record, note },
        broken: None,
    });
}

impl State {
    /// Returns the state with every process halted for good; requests in flight never take effect.
    pub fn halted(&self) -> Self {
        let mut state = *self;
        for process in &mut state.processes {
            process.step = Step::Exited;
            process.exit = Exit::Running;
            process.in_flight = 0;
        }
        state.faults = Faults::default();
        state
    }
}
