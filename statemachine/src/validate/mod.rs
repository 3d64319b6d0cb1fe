//! Checks a definition for errors and for departures from best practices.

mod best_practices;
mod examine_definition;
mod flow_graph;

pub use examine_definition::validate;
