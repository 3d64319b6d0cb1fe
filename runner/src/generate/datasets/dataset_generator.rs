//! What the four datasets have in common.

use crate::generate::defects::Fault;
use crate::generate::sample_manifest::Facts;

/// Makes the rows of one dataset, each from its number alone.
pub trait Dataset: Send + Sync {
    /// The folder below `raw/`.
    fn name(&self) -> &'static str;

    /// The header, in order.
    fn columns(&self) -> &'static [&'static str];

    /// The column whose values never repeat.
    fn key_column(&self) -> &'static str;

    /// How many clean rows there are: those numbered from 0.
    ///
    /// Numbers from here on are for dirt: valid rows in themselves, to which nothing clean refers.
    fn rows(&self) -> u64;

    /// About how long a row is: progress is shown against it, nothing depends on it.
    fn typical_row_bytes(&self) -> u64;

    /// Appends a row with its line end and counts what is odd about it.
    fn write(&self, row: u64, out: &mut Vec<u8>, facts: &mut Facts);

    /// Appends the key of a row.
    fn write_key(&self, row: u64, out: &mut Vec<u8>);

    /// Appends a key that no row bears, clean or dirty.
    fn write_missing_key(&self, number: u64, out: &mut Vec<u8>);

    /// Columns that refer to another dataset: a few rows refer to a rejected row through each.
    fn references(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// The ways in which a row can be spoilt, in turn; the first leaves the key readable.
    fn faults(&self) -> &'static [Fault];

    /// Whether clean rows hold quotes: an unclosed one would then end at the next and not where it is planned to.
    fn is_quoted(&self) -> bool;
}
