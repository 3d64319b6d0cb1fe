//! The settings of the data work: none of them changes a result.

use std::path::PathBuf;

use crate::sql::memory::MemoryLimit;

/// What the machine gives to a run: none of it changes the result.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The memory to work in.
    pub memory: MemoryLimit,
    /// Threads of the data work.
    pub threads: usize,
    /// Where rows go that do not fit into memory.
    pub spill_dir: PathBuf,
}
