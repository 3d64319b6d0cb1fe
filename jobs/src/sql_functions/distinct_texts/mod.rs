//! Sets of texts: `count_unique`, `unique_set`, `set_union` and `set_size`.
//!
//! Each distinct text gets one id in a session, and a set of texts is a set of ids: bits if it is dense, sorted
//! pairs of group and id if it is sparse. Two alternatives take several times as much time and memory: DataFusion's
//! `count(distinct text)` holds a set of texts per group, and grouping first by group and text holds a row per pair.
//! Sets of ids are exact, can be spilled, and can be united. If there is no memory for the id of a text, a set contains
//! the text itself. Approximate counts were considered and rejected.
//!
//! ```text
//!   text --TextDictionary--> id --UniqueTextsAccumulator--> pairs or bits per group --EncodedSet--> bytes, from stage to stage
//! ```

mod set_functions;
mod unique_aggregate;

mod bitmap;
mod encoded_set;
mod groups_accumulator;
mod overflow_dictionary;
mod text_dictionary;

#[cfg(test)]
mod tests;

pub(super) use self::set_functions::{SetSize, SetUnion};
pub(crate) use self::text_dictionary::TextDictionary;
pub(super) use self::unique_aggregate::UniqueAggregate;
