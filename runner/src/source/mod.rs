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

mod collector;
mod header_hint;
mod judge;
mod quarantine;
mod read;
mod revisit;
mod row_rule;
#[cfg(test)]
mod tests;

pub use inputs::{InputObjects, OnBadRow, ReadSettings};
pub use quarantine::{Quarantine, QuarantineFiles};
pub use read::{Dataset, Refused, Sources, read};
pub use report::DatasetReport;
pub(crate) mod bytes;
pub(crate) mod csv;
pub(crate) mod column_layout;
pub(crate) mod parquet;
pub(crate) mod keys;
pub(crate) mod row_faults;
pub(crate) mod input_objects;
pub(crate) mod decode_plan;
pub(crate) mod dataset_report;
pub(crate) mod read_context;
