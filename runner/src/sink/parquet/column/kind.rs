//! The interface between the encoder and a kind of values: layout in arrays and pages, and bounds.

use std::hash::Hash;

use arrow::array::Array;
use parquet::basic::{BoundaryOrder, Type};
use parquet::file::statistics::Statistics;

/// A kind of values that the encoder can write.
pub(crate) trait ColumnKind {
    /// Arrow arrays that hold the values.
    type Array: Array;
    /// Identity of a value in the dictionary.
    type Key: Copy + Eq + Hash;
    /// Least and greatest of some values.
    type Bounds: Bounds;

    /// Returns the physical type of the values in a file.
    fn physical(&self) -> Type;

    /// Returns the dictionary key of a row's value.
    fn key(&self, array: &Self::Array, row: usize) -> Self::Key;

    /// Appends the plain encoding of a row's value; returns the length of its text in bytes, 0 for numbers.
    fn append(&self, array: &Self::Array, row: usize, plain: &mut Vec<u8>) -> u64;

    /// Returns the length of a row's text in bytes, 0 for numbers.
    fn text_bytes(&self, array: &Self::Array, row: usize) -> u64;

    /// Extends bounds by the value at the beginning of `plain`, which may hold more bytes.
    fn bound(&self, plain: &[u8], bounds: &mut Option<Self::Bounds>);

    /// Returns the column's statistics for the footer.
    fn statistics(&self, bounds: Option<&Self::Bounds>, nulls: u64) -> Statistics;
}

/// Least and greatest of some values.
pub(crate) trait Bounds: Clone {
    /// Extends the bounds to include others.
    fn extend(&mut self, others: &Self);

    /// Returns `true` if both bounds are at least those of `others`.
    fn reaches(&self, others: &Self) -> bool;

    /// Returns the least value, or a shorter one before it, as a page index stores it.
    fn lower(&self) -> Vec<u8>;

    /// Returns the greatest value, or a shorter one after it, as a page index stores it.
    fn upper(&self) -> Vec<u8>;
}

/// Tracks whether the bounds of successive pages ascend or descend.
pub(crate) struct BoundsOrder<B> {
    /// Bounds of the previous page.
    last: Option<B>,
    /// `true` once a bound has decreased.
    not_ascending: bool,
    /// `true` once a bound has increased.
    not_descending: bool,
}

impl<B: Bounds> BoundsOrder<B> {
    /// Creates the order of an empty column.
    pub(crate) fn new() -> Self {
        Self {
            last: None,
            not_ascending: false,
            not_descending: false,
        }
    }

    /// Adds the bounds of the next page.
    pub(crate) fn add(&mut self, bounds: B) {
        if let Some(last) = &self.last {
            self.not_ascending |= !bounds.reaches(last);
            self.not_descending |= !last.reaches(&bounds);
        }
        self.last = Some(bounds);
    }

    /// Returns the order as a file's index stores it.
    pub(crate) fn name(&self) -> BoundaryOrder {
        match (self.not_ascending, self.not_descending) {
            (false, _) => BoundaryOrder::ASCENDING,
            (true, false) => BoundaryOrder::DESCENDING,
            (true, true) => BoundaryOrder::UNORDERED,
        }
    }
}
