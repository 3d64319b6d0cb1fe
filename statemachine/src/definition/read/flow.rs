//! Reads flows: a machine, its branches and its item processors.

use crate::definition::model::{Flow, State};
use crate::definition::read::object_fields::Fields;
use crate::definition::read::targets::{NO_STATE, StateIndices, target};
use crate::definition::{MachineType, QueryLanguage};
use crate::diagnostics::diagnostic::Code;
use crate::json_pointer::child_pointer;

/// The longest wait and the longest timeout, in seconds: about 1,157 days.
pub(crate) const LONGEST_SECONDS: u64 = 99_999_999;

/// The settings that a flow inherits from the machine or state around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InheritedSettings {
    /// The query language of states that do not name their own.
    pub(crate) language: QueryLanguage,
    /// The type of workflow, `Express` inside an Express item processor.
    pub(crate) machine_type: MachineType,
}

/// Reads the `StartAt` and the `States` of a flow.
pub(crate) fn read_flow(fields: &Fields<'_>, around: InheritedSettings) -> Flow {
    if !fields.require(&["States", "StartAt"]) {
        return Flow::default();
    }
    let pointer = fields.at("States");
    let Some(states) = fields
        .get("States")
        .and_then(|states| Fields::of(states, &pointer, fields.problems))
    else {
        return Flow::default();
    };
    if states.values.is_empty() {
        fields.refuse("States", "At least one state is required");
        return Flow::default();
    }
    let names: StateIndices<'_> = states.values.keys().map(String::as_str).zip(0..).collect();
    let start = target(fields, "StartAt", &names).unwrap_or(NO_STATE);
    let read = states.values.iter().map(|(name, state)| {
        let pointer = child_pointer(&pointer, name);
        if name.is_empty() || name.chars().count() > 80 {
            states.refuse_as(
                Code::InvalidStateName,
                name,
                "State names must have between 1 and 80 characters",
            );
        }
        match Fields::of(state, &pointer, fields.problems) {
            Some(fields) => fields.state(name, &names, around),
            None => State::blank(name, around.language),
        }
    });
    Flow {
        start,
        states: read.collect(),
    }
}
