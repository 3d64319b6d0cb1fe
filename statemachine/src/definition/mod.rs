//! Definitions: from JSON text to a machine that can run.

pub(crate) mod choice;
pub(crate) mod duplicates;
pub(crate) mod expressions;
pub(crate) mod fields;
pub(crate) mod machine;
pub(crate) mod map;
pub(crate) mod model;
pub(crate) mod pattern;
mod place;
mod read_choice;
mod read_flow;
mod read_map;
mod read_task;
mod read_values;
pub(crate) mod selector;
pub(crate) mod task;
mod vocabulary;

pub use machine::Machine;
pub use model::{MachineType, QueryLanguage};
pub use place::Place;
pub use task::{Resource, ResourceKind};

pub(crate) use read_choice::is_timestamp;
