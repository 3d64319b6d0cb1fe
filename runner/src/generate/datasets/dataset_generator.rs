//! The interface that the generators of all datasets have.

use crate::generate::defects::Defect;
use crate::generate::sample_manifest::RentalStatistics;
use crate::generate::values::UniqueIds;

/// Generates the rows of one dataset, each from its number alone.
pub trait DatasetGenerator: Send + Sync {
    /// Returns what is fixed about the dataset.
    fn description(&self) -> &'static DatasetDescription;

    /// Returns the number of clean rows, which are numbered from 0.
    ///
    /// Higher numbers are for defective rows: they too give valid rows, to which no clean row refers.
    fn rows(&self) -> u64;

    /// Returns the generator of the key column.
    fn keys(&self) -> &dyn KeyGenerator;

    /// Appends a row and its line end, and adds it to the statistics.
    fn write(&self, row: u64, out: &mut Vec<u8>, statistics: &mut RentalStatistics);
}

/// The fixed properties of a dataset.
#[derive(Debug)]
pub struct DatasetDescription {
    /// The folder below `raw/`.
    pub name: &'static str,
    /// The header, in order.
    pub columns: &'static [&'static str],
    /// The column whose values are unique.
    pub key_column: &'static str,
    /// The typical length of a row, for estimates only.
    pub typical_row_bytes: u64,
    /// Columns that refer to a dataset: a few rows refer to a rejected row through each.
    pub references: &'static [(&'static str, &'static str)],
    /// The defects that rows get, in turn; the first one leaves the key readable.
    pub defects: &'static [Defect],
    /// `true` if clean rows contain quotes, at the first of which an unclosed quote would end.
    pub has_quotes: bool,
}

/// Generates the keys of a dataset.
pub trait KeyGenerator {
    /// Appends the key of a row.
    fn write(&self, row: u64, out: &mut Vec<u8>);

    /// Appends a key that neither a clean nor a defective row has.
    fn write_unused(&self, number: u64, out: &mut Vec<u8>);
}

impl KeyGenerator for UniqueIds {
    fn write(&self, row: u64, out: &mut Vec<u8>) {
        self.write_id(row, out);
    }

    fn write_unused(&self, number: u64, out: &mut Vec<u8>) {
        // Rows are numbered from the other end.
        self.write_id(Self::COUNT - 1 - number, out);
    }
}
