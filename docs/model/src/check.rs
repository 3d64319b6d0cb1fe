//! Connects a configuration of the protocol to the search: its states, events and invariants.

use crate::configuration::Configuration;
use crate::invariants::Invariant;
use crate::search::{Next, World};
use crate::settle::Settling;
use crate::state::State;
use crate::steps::{Event, Successors};

/// A configuration as a [`World`]: the search checks its invariants in every state.
#[derive(Debug)]
pub struct Checked {
    configuration: Configuration,
    only: Option<Invariant>,
    settling: Settling,
    successors: Successors,
}

impl Checked {
    /// Returns a check of all invariants.
    pub fn new(configuration: Configuration) -> Self {
        Self {
            only: None,
            settling: Settling::new(&configuration),
            configuration,
            successors: Successors::default(),
        }
    }

    /// Returns a check of one invariant. A mutant may break several, and a test wants to see that this one catches it.
    pub fn only(configuration: Configuration, invariant: Invariant) -> Self {
        Self {
            only: Some(invariant),
            ..Self::new(configuration)
        }
    }

    fn is_checked(&self, invariant: Invariant) -> bool {
        self.only.is_none_or(|only| only == invariant)
    }

    /// Returns the number of different contents of the store for which the liveness check ran.
    pub fn settled(&self) -> usize {
        self.settling.count()
    }
}

impl AsRef<Configuration> for Checked {
    fn as_ref(&self) -> &Configuration {
        &self.configuration
    }
}

impl World for Checked {
    type State = State;
    type Event = Event;
    type Wrong = Invariant;

    fn first(&self) -> State {
        self.configuration.first()
    }

    fn next(&mut self, state: &State, out: &mut Vec<Next<Self>>) -> bool {
        self.successors.next.clear();
        self.successors.is_cut = false;
        self.configuration.successors(state, &mut self.successors);
        for next in &self.successors.next {
            let broken = next.broken.filter(|broken| self.is_checked(*broken));
            out.push(Next {
                state: next.state,
                event: next.event,
                wrong: broken,
            });
        }
        self.successors.is_cut
    }

    fn wrong(&mut self, state: &State) -> Option<Invariant> {
        let is_checked = |invariant: &Invariant| self.is_checked(*invariant);
        if let Some(broken) = self.configuration.broken_in(state).find(is_checked) {
            return Some(broken);
        }
        if !self.is_checked(Invariant::NotSettled) {
            return None;
        }
        self.settling.broken_after(state)
    }
}
