//! The interface between the encoder and a kind of values: how the values are read, stored and compared.

use std::hash::Hash;

use arrow::array::Array;
use parquet::basic::{BoundaryOrder, Type};
use parquet::file::statistics::Statistics;

/// A kind of values that the encoder can write: text or numbers.
pub(crate) trait ColumnKind {
    /// The type of Arrow array that holds the values.
    type Array: Array;
    /// Key of a value in the dictionary; equal values have equal keys.
    type Key: Copy + Eq + Hash;
    /// The least and the greatest value of a page or column.
    type Bounds: Bounds;

    /// Returns the physical type of the values in a file.
    fn physical(&self) -> Type;

    /// Returns the dictionary key of a row's value.
    fn key(&self, array: &Self::Array, row: usize) -> Self::Key;

    /// Appends the plain encoding of a row's value; returns the length of the text in bytes, or 0 for a number.
    fn append(&self, array: &Self::Array, row: usize, plain: &mut Vec<u8>) -> u64;

    /// Returns the length of a row's text in bytes, or 0 for a number.
    fn text_bytes(&self, array: &Self::Array, row: usize) -> u64;

    /// Extends the bounds to include the value at the beginning of `plain`; bytes after that value are ignored.
    fn bound(&self, plain: &[u8], bounds: &mut Option<Self::Bounds>);

    /// Returns the column's statistics as the file's footer stores them.
    fn statistics(&self, bounds: Option<&Self::Bounds>, nulls: u64) -> Statistics;
}

/// The least and the greatest value of a page or column.
pub(crate) trait Bounds: Clone {
    /// Extends the bounds so that they include `others`.
    fn extend(&mut self, others: &Self);

    /// Returns `true` if neither the least nor the greatest value is below that of `others`.
    fn reaches(&self, others: &Self) -> bool;

    /// Returns the lower bound as the page index stores it: the least value, or a shorter one that sorts before it.
    fn lower(&self) -> Vec<u8>;

    /// Returns the upper bound as the page index stores it: the greatest value, or a shorter one that sorts after it.
    fn upper(&self) -> Vec<u8>;
}

/// The order of successive pages: whether their bounds ascend, descend or neither.
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

    /// Returns the order as the page index stores it.
    pub(crate) fn name(&self) -> BoundaryOrder {
        match (self.not_ascending, self.not_descending) {
            (false, _) => BoundaryOrder::ASCENDING,
            (true, false) => BoundaryOrder::DESCENDING,
            (true, true) => BoundaryOrder::UNORDERED,
        }
    }
}
