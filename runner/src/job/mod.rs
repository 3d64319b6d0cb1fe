//! Jobs by name: their folders, and those that have a log below an output root.

pub(crate) mod folder;
pub(crate) mod logged;
