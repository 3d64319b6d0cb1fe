//! What a run works in: memory and disk for rows at rest and for queries, and the session that plans and runs SQL.

use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionContext;
use drivetrain_jobs::plan::session_context;

use crate::error::{Context, ErrorKind, Result};
use crate::sql::engine_settings::EngineSettings;

/// The machine's share that one run works in.
pub struct Workspace {
    /// Where rows at rest are accounted and spilled.
    pub holding: Arc<RuntimeEnv>,
    /// Where queries run; inputs and outputs are registered in it by name.
    pub context: SessionContext,
    /// Threads of the data work.
    pub threads: usize,
    /// The most bytes of a Parquet row group while it is built.
    pub row_group_bytes: usize,
    /// What each sort sets aside for merging what it spilled.
    sort_reservation_bytes: usize,
}

/// A row group of more than this gains nothing in any reader.
const ROW_GROUP_BYTES: usize = 128 << 20;

/// What DataFusion sets aside for each sort unless told otherwise.
const SORT_RESERVATION_BYTES: usize = 10 << 20;

impl Workspace {
    /// Sets memory and disk aside.
    ///
    /// # Errors
    /// `Failed`, if the spill directory cannot be used.
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
    /// From now on joins sort both sides, which spills, instead of holding one side whole.
    pub fn join_by_sorting(&self) {
        let state = self.context.state_ref();
        let mut state = state.write();
        let options = state.config_mut().options_mut();
        options.optimizer.prefer_hash_join = false;
        options.execution.sort_spill_reservation_bytes = self.sort_reservation_bytes;
    }
}

fn runtime(engine: &EngineSettings, pool: Arc<dyn MemoryPool>) -> Result<Arc<RuntimeEnv>> {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![engine.spill_dir.clone()]))
        // The disk itself is the limit.
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
        .map_err(|error| error.hint("name a folder that can be written with `--spill-dir`"))
}
