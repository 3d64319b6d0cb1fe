//! The states that others name, in `Next`, `Default` and `StartAt`.

use std::collections::HashMap;

use crate::definition::read::fields::Fields;
use crate::diagnostics::diagnostic::Code;
use crate::diagnostics::hint::meant;

/// The states of the flow being read, by name.
pub(crate) type StateIndices<'a> = HashMap<&'a str, usize>;

/// An index that no state has, for targets that do not exist; such a machine never runs.
pub(crate) const NO_STATE: usize = usize::MAX;

/// Resolves the state that a field names.
pub(crate) fn target(fields: &Fields<'_>, name: &str, names: &StateIndices<'_>) -> Option<usize> {
    let text = fields.text(name)?;
    let index = names.get(text).copied();
    if index.is_none() {
        // AWS says `Next` also of a `StartAt` and a `Default`.
        let message = format!("Missing 'Next' target: {text}");
        fields.refuse_as_with(Code::MissingTransitionTarget, name, message, || {
            let mut known: Vec<(&str, usize)> =
                names.iter().map(|(name, at)| (*name, *at)).collect();
            known.sort_by_key(|(_, at)| *at);
            meant(text, known.iter().map(|(name, _)| *name))
        });
    }
    index
}
