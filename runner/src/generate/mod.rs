//! Generates samples of the raw data: seeded, realistic, of any size, and with defects on demand.
//!
//! ```text
//! SampleSettings -> DatasetGenerators -> FileFragment .. FileFragment (in parallel) -> files
//!     -> SampleWriter (invisible until all files are written) -> Store
//! ```
//!
//! Each row depends only on the seed and its number, so any number of threads can generate fragments in any order; they
//! are written in the order of the rows. All arithmetic is with integers, so every machine writes the same bytes.
//!
//! When all files are written, they become visible one by one. Meanwhile `raw/_generating.json` exists, and runs refuse
//! the folder; other readers look for `raw/_generated.json`, which exists only for a complete sample.
//!
//! Defective rows are added between the clean rows and never replace one. So a run on a sample with defects publishes
//! the same tables as a run on the sample of the same seed and size without defects. The [`SampleManifest`] says how
//! many lines the run must reject, and for which defects.

mod dataset_generators;
mod dataset_sizes;
mod datasets;
mod defect_share;
mod defects;
mod file_fragment;
mod generator;
mod planted_defects;
mod row_editor;
mod sample_manifest;
mod settings;
mod upload;
mod values;

pub use defect_share::DefectShare;
pub use defects::DefectKind;
pub use generator::{GeneratedSample, generate};
pub use sample_manifest::{
    DatasetManifest, DefectCount, FileKind, FileManifest, RentalStatistics, SampleManifest,
    SampleRequest,
};
pub use settings::{FILE_BYTES, MAX_RENTALS, SampleSettings};
pub use upload::ExistingData;

#[cfg(test)]
mod tests;
