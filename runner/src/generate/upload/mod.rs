//! Writes the files of a sample to a store, where they become visible together.

mod existing_data;
mod file_upload;
mod sample_writer;

pub use existing_data::{ExistingData, REMEDY, file_key, first_damaged};
#[cfg(test)]
pub use existing_data::{announcement_key, manifest_key};
pub use sample_writer::{SampleWriter, other_data};
