//! Everything that is wrong, or unwise, in a definition.

mod best_practices;
mod examine_definition;
mod flow_graph;

pub use examine_definition::validate;
