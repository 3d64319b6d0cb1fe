//! The interface of all dataset generators.

use crate::generate::defects::Defect;
use crate::generate::sample_manifest::RentalStatistics;
use crate::generate::values::UniqueIds;

/// Generates the rows of one dataset; each row depends only on its number and the seed.
pub trait DatasetGenerator: Send + Sync {
    /// Returns the fixed properties of the dataset.
    fn description(&self) -> &'static DatasetDescription;

    /// Returns the number of clean rows, which are numbered from 0.
    ///
    /// Defective rows have higher numbers. For these too the generator writes a valid row, to which a defect is then applied; no
    /// clean row refers to it.
    fn rows(&self) -> u64;

    /// Returns the generator of the key column.
    fn keys(&self) -> &dyn KeyGenerator;

    /// Appends a row and its line end, and adds it to the statistics.
    fn write(&self, row: u64, out: &mut Vec<u8>, statistics: &mut RentalStatistics);
}

/// The fixed properties of a dataset.
#[derive(Debug)]
pub struct DatasetDescription {
    /// The name of the dataset, and of its folder in `raw/`.
    pub name: &'static str,
    /// The columns of the header, in order.
    pub columns: &'static [&'static str],
    /// The column whose values are unique.
    pub key_column: &'static str,
    /// The typical length of a row in bytes, used only for estimates.
    pub typical_row_bytes: u64,
    /// The columns that refer to another dataset, each with the name of that dataset.
    pub references: &'static [(&'static str, &'static str)],
    /// The defects to apply to rows, in turn; the first one leaves the key readable.
    pub defects: &'static [Defect],
    /// `true` if clean rows contain quotes; the first of these would close an unclosed quote.
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
        // Rows use the ids of the lowest numbers, so those of the highest are unused.
        self.write_id(Self::COUNT - 1 - number, out);
    }
}
