//! Definitions: from JSON text to a machine that can run.

pub(crate) mod choice;
pub(crate) mod field_values;
pub(crate) mod jsonata_field;
pub(crate) mod machine;
pub(crate) mod map;
pub(crate) mod model;
pub(crate) mod read;
pub(crate) mod task;
pub(crate) mod timestamp;
pub(crate) mod wildcard_pattern;

pub use machine::Machine;
pub use model::MachineType;
pub use task::{Resource, ResourceKind};

pub(crate) use model::QueryLanguage;
pub(crate) use timestamp::is_timestamp;
