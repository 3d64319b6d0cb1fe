//! Job folders to start from: a working example, or a contract that is drafted from a file and corrected by a person.

mod drafted_job;
mod example_job;
mod type_inference;

pub use self::drafted_job::{CsvSample, from_csv, from_parquet};
pub use self::example_job::{SAMPLE_FOLDER, example};
