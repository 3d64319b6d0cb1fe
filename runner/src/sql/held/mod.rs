//! Rows held between two stages, in memory while the budget lasts and on disk afterwards.
//!
//! Two implementations of this idea are kept side by side until they are merged: `raw_batches` with its `raw_table`, `clustering`
//! and `spill_file` holds the accepted rows of a dataset while it is read, block by block, so that a late rejection can remove
//! rows again; `results` holds the rows of a query by partition, so that checks and later outputs read them without asking the
//! store. They differ in their spill formats (IPC stream and IPC file) and in the way rows are addressed. Merging them belongs to
//! the work on data that is larger than memory, where both are rewritten.

pub(crate) mod clustering;
pub(crate) mod memory_budget;
pub(crate) mod raw_batches;
pub(crate) mod raw_table;
pub(crate) mod results;
pub(crate) mod spill_file;
