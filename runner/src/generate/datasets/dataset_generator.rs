//! The interface of all dataset generators.

use crate::generate::defects::Defect;
use crate::generate::sample_manifest::RentalStatistics;
use crate::generate::values::UniqueIds;

/// Generator of the rows of one dataset; each row depends only on its number and the seed.
pub trait DatasetGenerator: Send + Sync {
    /// Returns the fixed properties of the dataset.
    fn description(&self) -> &'static DatasetDescription;

    /// Returns the number of clean rows, which are numbered from 0.
    ///
    /// Defective rows have higher numbers. For such a number, the generator writes a valid row too, to which a defect
    /// is then applied. No clean row refers to a defective row.
    fn rows(&self) -> u64;

    /// Returns the generator of the key column.
    fn keys(&self) -> &dyn KeyGenerator;

    /// Appends the row with this number and a line end to `out`. The generator of rentals also adds the row to the
    /// statistics.
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
    /// `true` if some clean rows contain quotes. Such a row would close a quote that an earlier row leaves open.
    pub has_quotes: bool,
}

/// Generator of the keys of a dataset.
pub trait KeyGenerator {
    /// Appends the key of the row with this number.
    fn write(&self, row: u64, out: &mut Vec<u8>);

    /// Appends a key that no row has; different numbers give different keys, until all unused keys are taken.
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
