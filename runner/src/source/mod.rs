//! From frozen raw objects to accepted Arrow rows: decoding by contract, row faults, keys, references, quarantine.
//!
//! ```text
//! objects -> fetch (ranges) -> decompress -> cut (blocks at line ends) -> split -> decode -> judge -> hold -> table
//!                                                                                              \-> quarantine
//! ```
//!
//! Each byte is read once. Blocks are decoded side by side, also within one object; whether a block really began where a
//! record begins is checked against the end of the one before it, and a block that did not is decoded again, so the
//! outcome is that of one thread reading line by line. Datasets are read in the order of their references, so a row's
//! references are looked up while it is decoded. For each dataset, rows read = accepted + quarantined.

mod bytes;
mod csv;
mod keys;
mod parquet;

mod collector;
mod column_layout;
mod dataset_report;
mod decode_plan;
mod header_hint;
mod input_objects;
mod judge;
mod quarantine;
mod read;
mod read_context;
mod revisit;
mod row_faults;
mod row_rule;
mod source_file;
#[cfg(test)]
mod tests;

pub use dataset_report::DatasetReport;
pub use input_objects::{InputObjects, OnBadRow, ReadSettings};
pub use quarantine::{Quarantine, QuarantineFiles};
pub use read::{Dataset, Refused, Sources, read};
