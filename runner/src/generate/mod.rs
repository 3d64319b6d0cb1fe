//! Makes samples of the raw data: seeded, realistic, of any size, and dirty on demand.
//!
//! ```text
//! Settings -> Sample (laws, sizes) -> Block .. Block (made side by side) -> files -> Store: visible when complete
//! ```
//!
//! Each row depends on the seed and its own number only, so blocks are made in any order and by any number of threads,
//! and joined in the order of the rows. Nothing but whole numbers is used: no two machines can differ.
//!
//! Dirt is added between the clean rows and never replaces one. So a run over a dirty sample publishes what it publishes
//! from the clean sample of the same seed and size, and the [`Account`] says how many lines it must reject, and why.

mod datasets;
mod defects;
mod file_fragment;
mod generator;
mod row_editor;
mod sample;
mod sample_manifest;
mod settings;
mod upload;
mod values;

pub use defects::Class;
pub use generator::{Generated, generate};
pub use sample_manifest::{
    Account, DatasetAccount, Facts, FileAccount, FileKind, Planted, Request,
};
pub use settings::{FILE_BYTES, MAX_RENTALS, Settings, Share, Sizes};
pub use upload::Existing;

#[cfg(test)]
mod tests;
