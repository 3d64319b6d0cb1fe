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

mod block;
mod collector;
mod column;
mod compression;
mod cut;
mod entries;
mod fault;
mod fetch;
mod file;
mod grammar;
mod gzip;
mod hash_set;
mod header_hint;
mod inputs;
mod judge;
mod late;
mod layout;
mod number;
mod parquet_file;
mod parquet_object;
mod plan;
mod quarantine;
mod read;
mod reading;
mod report;
mod revisit;
mod row_hash;
mod row_rule;
mod splitter;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod time_reader;

pub use inputs::{InputObjects, OnBadRow, ReadSettings};
pub use quarantine::{Quarantine, QuarantineFiles};
pub use read::{Dataset, Refused, Sources, read};
pub use report::DatasetReport;
