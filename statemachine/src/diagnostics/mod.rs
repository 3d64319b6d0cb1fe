//! Findings about a JSON text, with their places and hints.

pub(crate) mod diagnostic;
pub(crate) mod duplicate_keys;
pub(crate) mod hint;
pub(crate) mod place;
