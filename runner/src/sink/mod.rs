//! Where computed rows become Parquet parts: collected by partition, encoded, and staged.

pub mod collect;
mod key_hashes;
mod open_files;
pub mod parquet;
pub mod partition;
mod regroup;
pub mod table;
pub mod write;
