//! What values of a kind have of their own for the encoder: how they lie in arrays and pages, and what bounds them.

use std::hash::Hash;

use arrow::array::Array;
use parquet::basic::{BoundaryOrder, Type};
use parquet::file::statistics::Statistics;

/// A kind of values.
pub(crate) trait ColumnKind {
    /// Where they come from.
    type Array: Array;
    /// What tells them apart.
    type Key: Copy + Eq + Hash;
    /// What lies around some of them.
    type Bounds: Bounds;

    /// Their type in a file.
    fn physical(&self) -> Type;

    /// What tells the value of a row from others.
    fn key(&self, array: &Self::Array, row: usize) -> Self::Key;

    /// Appends the value of a row as pages hold it; how many bytes of text it has is returned.
    fn append(&self, array: &Self::Array, row: usize, plain: &mut Vec<u8>) -> u64;

    /// How many bytes of text the value of a row has.
    fn text_bytes(&self, array: &Self::Array, row: usize) -> u64;

    /// Makes bounds hold the value with which some bytes of a page begin.
    fn bound(&self, plain: &[u8], bounds: &mut Option<Self::Bounds>);

    /// What a file says of a column's values.
    fn statistics(&self, bounds: Option<&Self::Bounds>, nulls: u64) -> Statistics;
}

/// The least and the greatest of some values.
pub(crate) trait Bounds: Clone {
    /// Makes them hold all that others do.
    fn extend(&mut self, others: &Self);

    /// Whether both are at least those of others.
    fn reaches(&self, others: &Self) -> bool;

    /// The least value, or one before it that is shorter, as a page index holds it.
    fn lower(&self) -> Vec<u8>;

    /// The greatest value, or one behind it that is shorter.
    fn upper(&self) -> Vec<u8>;
}

/// How the bounds of pages go from one to the next.
pub(crate) struct BoundsOrder<B> {
    last: Option<B>,
    not_ascending: bool,
    not_descending: bool,
}

impl<B: Bounds> BoundsOrder<B> {
    /// The order of no pages.
    pub(crate) fn new() -> Self {
        Self {
            last: None,
            not_ascending: false,
            not_descending: false,
        }
    }

    /// Takes in the bounds of the next page.
    pub(crate) fn add(&mut self, bounds: B) {
        if let Some(last) = &self.last {
            self.not_ascending |= !bounds.reaches(last);
            self.not_descending |= !last.reaches(&bounds);
        }
        self.last = Some(bounds);
    }

    /// As a file's index names it.
    pub(crate) fn name(&self) -> BoundaryOrder {
        match (self.not_ascending, self.not_descending) {
            (false, _) => BoundaryOrder::ASCENDING,
            (true, false) => BoundaryOrder::DESCENDING,
            (true, true) => BoundaryOrder::UNORDERED,
        }
    }
}
