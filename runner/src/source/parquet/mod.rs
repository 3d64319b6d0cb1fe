//! Raw Parquet objects, read by contract.
pub(crate) mod object;
pub(crate) mod range_reader;
