//! Local folders that replace the S3 buckets of Map states.
pub(crate) mod handler;
pub(crate) mod listing;
pub(crate) mod parquet_rows;
