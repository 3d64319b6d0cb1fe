//! `JSONPath` as AWS evaluates it: Jayway's semantics.
//!
//! No crate for RFC 9535 fits. In Jayway, a definite path returns the bare value and fails if it finds nothing. An
//! indefinite path (wildcard, slice, filter, `..`) returns an array. Filters compare loosely, the step of a slice is
//! ignored, and some valid RFC 9535 paths are rejected. [`Query`] is a path of Jayway's language; [`ReferencePath`] is
//! the strict grammar of `ResultPath`, which names one place to write to.
//!
//! ```
//! use drivetrain_statemachine::jsonpath::Query;
//! use serde_json::json;
//!
//! let document = json!({"items": [{"price": 10, "name": "a"}, {"price": 20, "name": "b"}]});
//! assert_eq!(Query::parse("$.items[0].name")?.evaluate_on(&document)?, json!("a"));
//! assert_eq!(Query::parse("$.items[?(@.price > 15)].name")?.evaluate_on(&document)?, json!(["b"]));
//! assert!(Query::parse("$.items[0].color")?.evaluate_on(&document).is_err());
//! # Ok::<(), drivetrain_statemachine::Error>(())
//! ```

mod character_cursor;
mod document_walk;
mod evaluate;
mod evaluate_filter;
mod filter_comparison;
mod filter_literal;
mod parse_filter;
mod parse_query;
mod path_trail;
mod query;
mod query_budget;
mod query_functions;
mod query_root;
mod reference_path;
mod syntax_tree;

pub use query::Query;
pub use reference_path::ReferencePath;

pub(crate) use query::{NULL_INPUT, PlainStep};
