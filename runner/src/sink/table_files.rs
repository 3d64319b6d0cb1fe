//! Settings for writing the rows of one output.

use crate::sink::parquet::file_settings::FileSettings;

/// An output table and the settings of its files.
pub struct TableFiles {
    /// The table's name.
    pub name: String,
    /// Indices of the columns that files store. Partition columns are not among them, since folder names hold their
    /// values.
    pub file_columns: Vec<usize>,
    /// `true` if the order of rows within a partition matters; a partition is then never split among threads.
    pub ordered: bool,
    /// Names of the columns of which each part keeps the sum.
    pub summed: Vec<String>,
    /// Codec and sizes of the files.
    pub files: FileSettings,
    /// The largest size of a row group in bytes while it is built.
    pub row_group_bytes: usize,
    /// The number of files that may be written at the same time.
    pub threads: usize,
}
