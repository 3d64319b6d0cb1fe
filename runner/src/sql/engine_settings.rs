//! Settings of the query engine; none of them changes a result.

use std::path::PathBuf;

use crate::sql::memory::MemoryLimit;

/// Resources that a run may use; none of them changes its result.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The memory that the process may use.
    pub memory: MemoryLimit,
    /// The number of threads for data work.
    pub threads: usize,
    /// The folder for rows that do not fit in memory.
    pub spill_dir: PathBuf,
}
