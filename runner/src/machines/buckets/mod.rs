//! Local folders in place of S3 buckets, for the objects that Map states read and write.
pub(crate) mod handler;
pub(crate) mod listing;
pub(crate) mod parquet_rows;
