//! Sets of texts: `count_unique`, `unique_set`, `set_union` and `set_size`.
//!
//! ```text
//!   text --TextDictionary--> id --UniqueTextsAccumulator--> pairs or bits of each group --Set--> bytes, from stage to stage
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
