//! Turns computed rows into Parquet parts: collects them by partition, encodes them, and stages the files.

pub mod collect;
mod key_hashes;
mod open_files;
pub mod parquet;
pub mod partition;
mod regroup;
pub(crate) mod sums;
pub mod table_files;
pub mod write;
