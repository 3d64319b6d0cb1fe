//! Resources of one run: memory and disk for held rows and for queries, and the session that plans and runs SQL.

use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionContext;
use drivetrain_jobs::plan::session_context;

use crate::error::{Context, ErrorKind, Result};
use crate::sql::engine_settings::EngineSettings;

/// Memory, disk and threads that one run uses.
pub struct Workspace {
    /// The runtime for held rows: its memory pool and its spill folder.
    pub holding: Arc<RuntimeEnv>,
    /// The session for queries; inputs and outputs are registered in it by name.
    pub context: SessionContext,
    /// The number of threads that read, compute and write rows.
    pub threads: usize,
    /// The largest size of a Parquet row group in bytes while it is built.
    pub row_group_bytes: usize,
    /// The number of bytes that each sort reserves for merging its spilled rows.
    sort_reservation_bytes: usize,
}

/// The largest row group in bytes; a larger one makes no reader faster.
const ROW_GROUP_BYTES: usize = 128 << 20;

/// DataFusion's default reservation per sort in bytes.
const SORT_RESERVATION_BYTES: usize = 10 << 20;

impl Workspace {
    /// Creates the memory pools and the session.
    ///
    /// # Errors
    /// `Failed` if the spill directory cannot be used.
    pub fn new(engine: &EngineSettings) -> Result<Self> {
        let queries = runtime(engine, engine.memory.query_pool())?;
        let share = usize::try_from(engine.memory.bytes / 32).unwrap_or(usize::MAX);
        Ok(Self {
            holding: runtime(engine, engine.memory.holding_pool())?,
            context: session_context(queries, engine.threads),
            threads: engine.threads,
            row_group_bytes: share.min(ROW_GROUP_BYTES),
            sort_reservation_bytes: (engine.memory.query_bytes() / 64).min(SORT_RESERVATION_BYTES),
        })
    }
}

impl Workspace {
    /// Makes later joins sort both sides, which can spill, instead of holding one side in memory.
    pub fn join_by_sorting(&self) {
        let state = self.context.state_ref();
        let mut state = state.write();
        let options = state.config_mut().options_mut();
        options.optimizer.prefer_hash_join = false;
        options.execution.sort_spill_reservation_bytes = self.sort_reservation_bytes;
    }
}

/// Builds a runtime over a memory pool and the spill directory.
fn runtime(engine: &EngineSettings, pool: Arc<dyn MemoryPool>) -> Result<Arc<RuntimeEnv>> {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![engine.spill_dir.clone()]))
        // The size of the disk is the only limit on spill files.
        .with_max_temp_directory_size(u64::MAX);
    RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_disk_manager_builder(disk)
        .build_arc()
        .context(
            ErrorKind::Failed,
            format!(
                "cannot use the spill directory `{}`",
                engine.spill_dir.display()
            ),
        )
        .map_err(|error| error.hint("name a writable folder with `--spill-dir`"))
}
