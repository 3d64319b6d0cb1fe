//! SQL functions that every job has in addition to DataFusion's own.
//!
#![doc = include_str!("../../FUNCTIONS.md")]

mod registry;

mod character_class;
mod date_of;
mod ratio;
mod seconds_between;

mod distinct_texts;

pub(crate) use self::distinct_texts::TextDictionary;
pub(crate) use self::registry::{aggregates, scalars};
