//! How rows become Parquet parts.
//!
//! ```text
//!   query -> collect -> regroup -> open_files -+-> write -> parts
//!                           `----> hold.rs ----'
//! ```
//!
//! Rows that nobody asks for again go into the open files of their partitions while those fit into memory; all others are
//! held, and written when the checks have passed.

pub mod collect;
mod key_hashes;
mod open_files;
pub mod partition;
mod regroup;

pub(crate) mod parquet;
pub mod write;
