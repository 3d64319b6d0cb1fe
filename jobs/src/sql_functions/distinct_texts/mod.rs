//! Sets of texts: `count_unique`, `unique_set`, `set_union` and `set_size`.
//!
//! DataFusion's `count(distinct text)` holds a set of texts per group. Grouping twice, first by group and text, holds a
//! row per pair of group and text. Both ways take several times as much time and memory. Here each distinct text gets
//! one id in a session, and a set of texts is a set of ids: bits if it is dense, sorted pairs of group and id if it is
//! sparse. These sets are exact, can be spilled, and can be united. If there is no memory for the id of a text, the
//! sets contain the text itself. Approximate counts were considered and refused.
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
