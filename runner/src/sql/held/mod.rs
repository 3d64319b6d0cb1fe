//! Rows held between two stages, in memory or on disk.
pub(crate) mod results;
pub(crate) mod raw_batches;
pub(crate) mod spill_file;
pub(crate) mod memory_budget;
pub(crate) mod raw_table;
pub(crate) mod clustering;
