//! Reading a definition: every problem is reported, with its pointer.

pub(crate) mod allowed_fields;
pub(crate) mod choice;
pub(crate) mod fields;
pub(crate) mod flow;
pub(crate) mod machine;
pub(crate) mod map;
pub(crate) mod targets;
pub(crate) mod task;
pub(crate) mod values;
