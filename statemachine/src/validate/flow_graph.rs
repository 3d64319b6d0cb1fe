//! Checks that every state can be reached, every flow can end, and every name is unique.

use std::collections::HashSet;

use crate::definition::model::{Flow, State, StateKind};
use crate::definition::read::object_fields::DiagnosticCollector;
use crate::diagnostics::diagnostic::{Code, Diagnostic};
use crate::json_pointer::child_pointer;

/// Checks a machine and the flows inside it.
pub(crate) fn check(flow: &Flow, problems: &DiagnosticCollector) {
    let mut check = FlowCheck {
        names: HashSet::new(),
        labels: HashSet::new(),
        problems,
    };
    check.flow(flow, "");
}

/// A check in progress: the names and labels seen so far, which must be unique in the machine.
struct FlowCheck<'a> {
    /// The names of states, which must be unique in the whole machine.
    names: HashSet<&'a str>,
    /// The labels of Map states, which must be unique in the whole machine.
    labels: HashSet<&'a str>,
    /// The collector to which all findings of the definition are added.
    problems: &'a DiagnosticCollector,
}

impl<'a> FlowCheck<'a> {
    /// Checks a flow and, after each state, the flows inside it.
    fn flow(&mut self, flow: &'a Flow, pointer: &str) {
        let states = child_pointer(pointer, "States");
        let at = |state: &State| child_pointer(&states, &state.name);
        self.reachability(flow, pointer, &at);
        for state in &flow.states {
            if !self.names.insert(&state.name) {
                let message = format!("State name '{}' is not unique", state.name);
                let error = Diagnostic::error(Code::DuplicateStateName, &at(state), message);
                let hint = "rename one of the states: names must be unique in the whole machine, including branches and Map states";
                self.problems.note(error.hint(hint));
            }
            if let StateKind::Map(map) = &state.kind
                && let Some(label) = &map.label
                && !self.labels.insert(label)
            {
                let message = format!("Label '{label}' is not unique");
                let pointer = at(state);
                let error = Diagnostic::error(Code::DuplicateLabelName, &pointer, message);
                let hint = "change one of the labels: each must be unique in the whole machine";
                self.problems.note(error.hint(hint));
            }
            for (flow, pointer) in state.flows().iter().zip(state.flow_pointers()) {
                self.flow(flow, &format!("{}{pointer}", at(state)));
            }
        }
    }

    /// Reports a flow that never ends; otherwise reports each state that cannot be reached.
    fn reachability(&mut self, flow: &Flow, pointer: &str, at: &dyn Fn(&State) -> String) {
        if flow.states.is_empty() {
            return;
        }
        // Measured: if a flow never ends, AWS does not also report the states that cannot be reached.
        if !flow.states.iter().any(is_terminal) {
            let error = Diagnostic::error(
                Code::MissingEndState,
                pointer,
                "Workflow has no terminal state",
            );
            let hint = "set `\"End\": true` on the last state, or add a Succeed or a Fail state";
            self.problems.note(error.hint(hint));
            return;
        }
        let reached = if flow.start < flow.states.len() {
            reachable(flow)
        } else {
            routed_to(flow)
        };
        for (state, reached) in flow.states.iter().zip(reached) {
            if !reached {
                let message = format!("State \"{}\" is not reachable.", state.name);
                let error = Diagnostic::error(Code::MissingTransitionTarget, &at(state), message);
                let hint = "no path from `StartAt` leads to this state: name the state in a `Next`, or remove the state";
                self.problems.note(error.hint(hint));
            }
        }
    }
}

/// Returns `true` if a flow can end with the state; a Choice state always leads to another one.
fn is_terminal(state: &State) -> bool {
    match state.kind {
        StateKind::Succeed | StateKind::Fail(_) => true,
        StateKind::Choice(_) => false,
        StateKind::Task(_)
        | StateKind::Pass(_)
        | StateKind::Wait(_)
        | StateKind::Parallel(_)
        | StateKind::Map(_) => state.next.is_none(),
    }
}

/// Returns for each state `true` if it can be reached from the start.
pub(crate) fn reachable(flow: &Flow) -> Vec<bool> {
    let mut reached = vec![false; flow.states.len()];
    let mut waiting = vec![flow.start];
    while let Some(index) = waiting.pop() {
        // A target that does not exist has its own finding.
        let Some(seen) = reached.get_mut(index) else {
            continue;
        };
        if !std::mem::replace(seen, true) {
            waiting.extend(successors(&flow.states[index]));
        }
    }
    reached
}

/// Returns for each state `true` if any state leads to it. Replaces [`reachable`] if `StartAt` names no state of the
/// flow.
fn routed_to(flow: &Flow) -> Vec<bool> {
    let mut reached = vec![false; flow.states.len()];
    for index in flow.states.iter().flat_map(successors) {
        if let Some(seen) = reached.get_mut(index) {
            *seen = true;
        }
    }
    reached
}

/// Returns the indices of the states that may follow a state, including the targets of its catchers.
pub(crate) fn successors(state: &State) -> Vec<usize> {
    let mut targets = regular_successors(state);
    targets.extend(state.catch.iter().map(|catcher| catcher.next));
    targets
}

/// Returns the indices of the states that may follow a state if it does not fail.
pub(crate) fn regular_successors(state: &State) -> Vec<usize> {
    let mut targets: Vec<usize> = state.next.into_iter().collect();
    if let StateKind::Choice(choice) = &state.kind {
        targets.extend(choice.rules.iter().map(|rule| rule.next));
        targets.extend(choice.default);
    }
    targets
}
