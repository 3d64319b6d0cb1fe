//! The targets of `Next`, `Default` and `StartAt`.

use std::collections::HashMap;

use crate::definition::read::object_fields::Fields;
use crate::diagnostics::diagnostic::Code;
use crate::diagnostics::hint::known_names_hint;

/// The index of each state in [`Flow::states`](crate::definition::model::Flow::states), by the state's name.
pub(crate) type StateIndices<'a> = HashMap<&'a str, usize>;

/// The index that stands for a target that does not exist. A definition with such a target has an error and never runs.
pub(crate) const NO_STATE: usize = usize::MAX;

/// Returns the index of the state that a field names; reports the name if the flow has no such state.
pub(crate) fn target(fields: &Fields<'_>, name: &str, names: &StateIndices<'_>) -> Option<usize> {
    let text = fields.text(name)?;
    let index = names.get(text).copied();
    if index.is_none() {
        // AWS writes `Next` also for a `StartAt` and a `Default`.
        let message = format!("Missing 'Next' target: {text}");
        fields.refuse_as_with(Code::MissingTransitionTarget, name, message, || {
            let mut known: Vec<(&str, usize)> =
                names.iter().map(|(name, at)| (*name, *at)).collect();
            known.sort_by_key(|(_, at)| *at);
            known_names_hint(text, known.iter().map(|(name, _)| *name))
        });
    }
    index
}
