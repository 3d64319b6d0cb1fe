//! Reads raw objects into Arrow tables of accepted rows: decoding, row faults, keys, references and quarantine.
//!
//! ```text
//! objects -> fetch (ranges) -> decompress -> cut (blocks at line ends) -> split -> decode -> judge -> hold -> table
//!                                                                                              \-> quarantine
//! ```
//!
//! Each byte is read once, unless a row of its block is rejected after the block was decoded. Blocks are decoded in
//! parallel, also within one object. Decoding assumes that a record begins at a block's first byte. If the previous
//! block ends inside a record, the assumption was wrong and the block is decoded again. The result is therefore the
//! same as if one thread read line by line.
//!
//! Datasets are read in the order of their references, so most references are looked up while rows are decoded. For
//! each dataset, rows read = accepted + quarantined.

mod bytes;
mod csv;
mod keys;
mod parquet;

mod block_collector;
mod column_layout;
mod dataset_report;
mod decode_plan;
mod header_hint;
mod judge;
mod quarantine;
mod read;
mod read_context;
mod read_request;
mod revisit;
mod row_faults;
mod row_rule;
mod source_file;
#[cfg(test)]
mod tests;

pub use dataset_report::DatasetReport;
pub use quarantine::{Quarantine, QuarantineFiles};
pub use read::{Dataset, Refused, Sources, read};
pub use read_request::{InputObjects, OnBadRow, ReadSettings};
