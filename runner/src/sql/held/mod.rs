//! Rows held between two stages, in memory while the budget lasts and on disk afterwards.
//!
//! There are two implementations:
//! - `raw_batches`, with `raw_table`, `clustering` and `spill_file`, holds the accepted rows of a dataset block by
//!   block while the dataset is read. Rows can be removed again if they are rejected after decoding. The spill format
//!   is the IPC stream.
//! - `results` holds the rows of a query by partition, so that checks and later outputs need not read them from the
//!   store. The spill format is the IPC file.
//!
//! They are to be merged with the work on data that is larger than memory, which rewrites both.

pub(crate) mod clustering;
pub(crate) mod memory_budget;
pub(crate) mod raw_batches;
pub(crate) mod raw_table;
pub(crate) mod results;
pub(crate) mod spill_file;
