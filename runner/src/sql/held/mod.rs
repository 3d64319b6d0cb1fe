//! Rows held between two stages, in memory or on disk.
pub(crate) mod clustering;
pub(crate) mod memory_budget;
pub(crate) mod raw_batches;
pub(crate) mod raw_table;
pub(crate) mod results;
pub(crate) mod spill_file;
