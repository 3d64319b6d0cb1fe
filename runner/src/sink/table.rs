//! How the rows of one output are written.

use crate::sink::parquet::file_settings::FileSettings;

/// What is written and how.
pub struct Table {
    /// The table's name.
    pub name: String,
    /// The columns of its files: partition columns are not among them.
    pub file_columns: Vec<usize>,
    /// Whether the order of rows within a partition counts.
    pub ordered: bool,
    /// The settings of files.
    pub files: FileSettings,
    /// The most bytes of a row group while it is built.
    pub row_group_bytes: usize,
    /// Files written at the same time.
    pub threads: usize,
}
