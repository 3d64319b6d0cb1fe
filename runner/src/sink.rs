//! How rows become Parquet parts.

pub mod collect;
pub mod parquet;
pub mod partition;
pub mod write;
