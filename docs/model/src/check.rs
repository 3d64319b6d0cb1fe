//! The search applied to a configuration of the protocol.

use crate::configuration::Configuration;
use crate::invariants::Invariant;
use crate::search::World;
use crate::settle::Settling;
use crate::state::State;
use crate::steps::{Event, Successors};

/// A configuration whose states are all checked.
#[derive(Debug)]
pub struct Checked {
    configuration: Configuration,
    settling: Settling,
    successors: Successors,
}

impl Checked {
    /// Returns a check of a configuration.
    pub fn new(configuration: Configuration) -> Self {
        Self {
            settling: Settling::new(&configuration),
            configuration,
            successors: Successors::default(),
        }
    }

    /// Returns the number of different contents of the store that were settled after a freeze.
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

    fn next(&mut self, state: &State, out: &mut Vec<(State, Event, Option<Invariant>)>) -> bool {
        self.successors.next.clear();
        self.successors.is_cut = false;
        self.configuration.successors(state, &mut self.successors);
        let next = self.successors.next.iter();
        out.extend(next.map(|next| (next.state, next.event, next.broken)));
        self.successors.is_cut
    }

    fn wrong(&mut self, state: &State) -> Option<Invariant> {
        let broken = self.configuration.broken_in(state);
        broken.or_else(|| self.settling.broken_after(state))
    }
}
