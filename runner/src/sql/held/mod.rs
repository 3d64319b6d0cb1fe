//! Rows held between two stages, in memory while the budget lasts and on disk afterwards.
//!
//! There are two implementations:
//! - `dataset_rows`, with `dataset_table`, `clustering` and `spill_file`, holds the accepted rows of a dataset block by
//!   block while the dataset is read. Rows can be removed again if they are rejected after decoding. The spill format
//!   is the IPC stream.
//! - `results` holds the rows of a query by partition, so that checks and later outputs need not read them from the
//!   store. The spill format is the IPC file.
//!
//! Planned work on data larger than memory will rewrite both and merge them.

pub(crate) mod clustering;
pub(crate) mod dataset_rows;
pub(crate) mod dataset_table;
pub(crate) mod memory_budget;
pub(crate) mod results;
pub(crate) mod spill_file;
