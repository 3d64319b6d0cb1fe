//! Writes Parquet files: settings, the file writer, and the encoder of text and number columns.

mod column;
mod column_writer;
mod compress;
pub mod file_settings;
pub(crate) mod file_writer;

pub(crate) use column_writer::EncoderKind;
