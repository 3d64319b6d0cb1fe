//! Generates the values of rows: random numbers by seed and row, dates, ids, names, and numbers as text.

mod calendar;
mod name_lists;
mod number_format;
mod random;
mod unique_ids;

pub use calendar::{Calendar, RENTAL_YEAR};
pub use name_lists::{
    BASIC_BRANDS, CITIES, FIRMS, GIVEN, HIGH_END_BRANDS, PREMIUM_BRANDS, STREET_KINDS, STREETS,
    SURNAMES,
};
pub use number_format::{write_amount, write_number, write_padded};
pub use random::{RandomStream, Rng, WeightedIndex, length, position};
pub use unique_ids::UniqueIds;
