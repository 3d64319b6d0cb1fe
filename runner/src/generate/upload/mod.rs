//! Writes the files of a sample to a store, where they become visible one by one while an announcement exists.

mod existing_data;
mod file_upload;
mod sample_writer;

pub use existing_data::{ExistingData, REMEDY, file_key, first_damaged};
pub use sample_writer::{SampleWriter, other_data};
