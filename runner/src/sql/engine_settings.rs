//! Settings of the query engine; none of them changes a result.

use std::path::PathBuf;

use crate::sql::memory::MemoryLimit;

/// Resources that a run may use; none of them changes its result.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// The memory limit, which is divided into pools for held rows and for queries.
    pub memory: MemoryLimit,
    /// The number of threads that read, compute and write rows.
    pub threads: usize,
    /// The folder for rows that do not fit in memory.
    pub spill_dir: PathBuf,
}
