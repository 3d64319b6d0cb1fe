//! The parts of a machine that executions have reached, and the parts that they have not.

use std::collections::BTreeSet;

use crate::definition::Machine;
use crate::definition::model::{Flow, State, StateKind};
use crate::engine::Failure;
use crate::trace::execution_facts::Facts;

/// The coverage of one machine by any number of executions.
///
/// ```
/// use drivetrain_statemachine::Machine;
/// use drivetrain_statemachine::trace::{Coverage, Facts, Unreached};
///
/// let machine = Machine::parse(r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#)?;
/// let mut coverage = Coverage::of(&machine);
/// assert_eq!(coverage.unreached(), [Unreached::State("A".to_owned())]);
/// let mut facts = Facts::default();
/// facts.entered.insert("A".to_owned());
/// coverage.add(facts);
/// assert!(coverage.unreached().is_empty());
/// # Ok::<(), drivetrain_statemachine::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Coverage {
    /// The machine, whose definition lists the parts that can be reached.
    machine: Machine,
    /// The facts of all executions that were added.
    facts: Facts,
}

/// A part of a machine that was never reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Unreached {
    /// A state that was never entered.
    State(String),
    /// An entry of a reached state's `Catch` that caught nothing.
    Catcher {
        /// The name of the state that contains the entry.
        state: String,
        /// The number of the entry, from 0.
        index: usize,
        /// The names in the entry's `ErrorEquals`.
        errors: Vec<String>,
    },
    /// An entry of a reached state's `Retry` that was never used.
    Retrier {
        /// The name of the state that contains the entry.
        state: String,
        /// The number of the entry, from 0.
        index: usize,
        /// The names in the entry's `ErrorEquals`.
        errors: Vec<String>,
    },
    /// A rule of a reached Choice state whose target never followed the state. Rules with the same target are reached
    /// together.
    Rule {
        /// The name of the Choice state.
        state: String,
        /// The number of the rule, from 0; `None` for the state's `Default`.
        index: Option<usize>,
        /// The name of the state that the rule leads to.
        next: String,
    },
}

impl Coverage {
    /// Creates the coverage of a machine before its first execution.
    #[must_use]
    pub fn of(machine: &Machine) -> Self {
        Self {
            machine: machine.clone(),
            facts: Facts::default(),
        }
    }

    /// Adds the facts of one more execution.
    pub fn add(&mut self, facts: Facts) {
        self.facts.entered.extend(facts.entered);
        self.facts.transitions.extend(facts.transitions);
        self.facts.caught.extend(facts.caught);
        self.facts.retried.extend(facts.retried);
    }

    /// Returns the number of states in the machine, and the number of those that were reached.
    #[must_use]
    pub fn states(&self) -> (usize, usize) {
        let states = self.machine.states();
        let reached = states
            .iter()
            .filter(|state| self.facts.entered.contains(&state.name));
        (states.len(), reached.count())
    }

    /// Returns the parts that were never reached, in the order of the definition. For a state that was not reached,
    /// only the state is listed.
    #[must_use]
    pub fn unreached(&self) -> Vec<Unreached> {
        let mut unreached = Vec::new();
        self.flow(&self.machine.definition().flow, &mut unreached);
        unreached
    }

    /// Collects the unreached parts of a flow, and of the flows inside its reached states.
    fn flow(&self, flow: &Flow, unreached: &mut Vec<Unreached>) {
        for state in &flow.states {
            if !self.facts.entered.contains(&state.name) {
                unreached.push(Unreached::State(state.name.clone()));
                continue;
            }
            self.retriers(state, unreached);
            self.catchers(flow, state, unreached);
            self.rules(flow, state, unreached);
            for inner in state.flows() {
                self.flow(inner, unreached);
            }
        }
    }

    /// Collects the retriers of a reached state that were never used.
    fn retriers(&self, state: &State, unreached: &mut Vec<Unreached>) {
        let used: BTreeSet<usize> = self
            .facts
            .retried
            .iter()
            .filter(|(name, _)| *name == state.name)
            .filter_map(|(_, error)| {
                let takes = |errors: &Vec<String>| takes(errors, error.as_ref());
                state.retry.iter().position(|one| takes(&one.errors))
            })
            .collect();
        for (index, retrier) in state.retry.iter().enumerate() {
            // A retrier without attempts exists to keep a later one from retrying.
            if retrier.max_attempts > 0 && !used.contains(&index) {
                unreached.push(Unreached::Retrier {
                    state: state.name.clone(),
                    index,
                    errors: retrier.errors.clone(),
                });
            }
        }
    }

    /// Collects the catchers of a reached state that caught no failure.
    fn catchers(&self, flow: &Flow, state: &State, unreached: &mut Vec<Unreached>) {
        let used: BTreeSet<usize> = self
            .facts
            .caught
            .iter()
            .filter(|(name, ..)| *name == state.name)
            .filter_map(|(_, error, next)| {
                state.catch.iter().position(|one| {
                    flow.states[one.next].name == *next && takes(&one.errors, error.as_ref())
                })
            })
            .collect();
        for (index, catcher) in state.catch.iter().enumerate() {
            if !used.contains(&index) {
                unreached.push(Unreached::Catcher {
                    state: state.name.clone(),
                    index,
                    errors: catcher.errors.clone(),
                });
            }
        }
    }

    /// Collects the rules of a Choice state, its default included, whose target never followed the state.
    fn rules(&self, flow: &Flow, state: &State, unreached: &mut Vec<Unreached>) {
        let StateKind::Choice(choice) = &state.kind else {
            return;
        };
        let rules = choice.rules.iter().enumerate();
        let rules = rules.map(|(index, rule)| (Some(index), rule.next));
        for (index, next) in rules.chain(choice.default.map(|next| (None, next))) {
            let next = flow.states[next].name.clone();
            let transition = (state.name.clone(), next.clone());
            if !self.facts.transitions.contains(&transition) {
                unreached.push(Unreached::Rule {
                    state: state.name.clone(),
                    index,
                    next,
                });
            }
        }
    }
}

/// Returns `true` if a retrier or catcher with these names matches an error; an error whose name is unknown always
/// matches.
fn takes(errors: &[String], error: Option<&String>) -> bool {
    match error {
        None => true,
        Some(error) => Failure::reported(Some(error.clone()), None).matches(errors),
    }
}
