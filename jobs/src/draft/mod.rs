//! Job folders to start from: a working example, or a contract drafted from a file for a person to correct.

mod drafted_job;
mod example_job;
mod type_inference;

pub use self::drafted_job::{CsvSample, from_csv, from_parquet};
pub use self::example_job::{SAMPLE_FOLDER, example};
