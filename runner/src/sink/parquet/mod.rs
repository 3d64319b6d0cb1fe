//! Parquet files: settings, the writer, and the encoder of text and number columns.
pub(crate) mod column;
pub(crate) mod compress;
pub(crate) mod file_settings;
pub(crate) mod file_writer;
