//! SQL functions that every job can call in addition to DataFusion's own.
//!
#![doc = include_str!("../../FUNCTIONS.md")]

mod registry;

mod date_of;
mod digits_and_hexadecimal;
mod ratio;
mod seconds_between;

mod distinct_texts;

pub(crate) use self::distinct_texts::TextDictionary;
pub(crate) use self::registry::{aggregates, scalars};
