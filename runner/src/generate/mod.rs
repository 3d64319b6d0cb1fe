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

mod account;
mod block;
mod calendar;
mod dataset;
mod digits;
mod dirt;
mod existing;
mod file_upload;
mod files;
mod identifiers;
mod locations;
mod names;
mod publish;
mod random;
mod record;
mod rentals;
mod sample;
mod settings;
mod users;
mod vehicles;

pub use account::{Account, DatasetAccount, Facts, FileAccount, FileKind, Planted, Request};
pub use dirt::Class;
pub use existing::Existing;
pub use files::{Generated, generate};
pub use settings::{FILE_BYTES, MAX_RENTALS, Settings, Share, Sizes};

#[cfg(test)]
mod tests;
