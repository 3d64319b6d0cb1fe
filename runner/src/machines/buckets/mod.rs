//! Folders that stand in for S3 buckets, for what Map states read and write.
pub(crate) mod handler;
pub(crate) mod listing;
pub(crate) mod parquet_rows;
