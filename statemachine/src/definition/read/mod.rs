//! Reads a definition from JSON, and reports every problem with its JSON pointer.

pub(crate) mod allowed_fields;
pub(crate) mod choice;
pub(crate) mod error_handlers;
pub(crate) mod field_values;
pub(crate) mod flow;
pub(crate) mod machine;
pub(crate) mod map;
pub(crate) mod object_fields;
pub(crate) mod state;
pub(crate) mod targets;
pub(crate) mod task;
