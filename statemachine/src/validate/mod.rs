//! Everything that is wrong, or unwise, in a definition.

mod best_practices;
mod examine;
mod flow_graph;

pub use examine::validate;
