//! Puts the files of a sample into a store, where they become visible together.

mod existing_data;
mod file_upload;
mod sample_writer;

pub use existing_data::Existing;
#[cfg(test)]
pub use existing_data::{announcement_key, manifest_key};
pub use existing_data::{file_key, first_damaged};
pub use sample_writer::SampleWriter;
pub use sample_writer::in_the_way;
