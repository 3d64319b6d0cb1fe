//! Configures the DataFusion session, in the same way for `drivetrain check` and for runs.

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::checked_arithmetic::CheckedArithmetic;
use super::extension_planner::ExtensionQueryPlanner;
use super::join_memory_error::JoinMemoryPool;
use super::lookup_join::LookupJoins;
use crate::sql_functions;

/// Size in bytes up to which one side of a join is held in memory once, for all threads, while the other side streams.
/// The size comes from the tables' statistics. With DataFusion's own threshold of 1 MiB, a join whose
/// smaller side is larger would exchange the rows of both sides between threads.
const LOOKUP_BYTES: usize = 1 << 30;

/// Number of rows up to which one side of a join is held in memory once, for tables whose size in bytes is unknown.
const LOOKUP_ROWS: usize = 8_000_000;

/// Number of bytes at the end of a Parquet file that are read first. The footer and the index of a file with a few row
/// groups are far smaller. With DataFusion's own 512 KiB, most of a small file would be read twice.
const FOOTER_BYTES: usize = 64 << 10;

/// Builds a session in which a job is planned and run. The runner registers inputs, tables and outputs in it under
/// their names.
///
/// Tables should have statistics (rows and bytes, exact or not): they decide which side of a join is held in memory.
#[must_use]
pub fn session_context(runtime: Arc<RuntimeEnv>, target_partitions: usize) -> SessionContext {
    let mut runtime = Arc::unwrap_or_clone(runtime);
    runtime.memory_pool = Arc::new(JoinMemoryPool::new(runtime.memory_pool));
    let dictionary = sql_functions::TextDictionary::new(&runtime.memory_pool);
    let mut config = SessionConfig::new().with_target_partitions(target_partitions);
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    options.optimizer.hash_join_single_partition_threshold = LOOKUP_BYTES;
    options.optimizer.hash_join_single_partition_threshold_rows = LOOKUP_ROWS;
    options.execution.parquet.metadata_size_hint = Some(FOOTER_BYTES);
    // A query must fail if an optimizer rule fails, because without the rule its rows might be wrong.
    options.optimizer.skip_failed_rules = false;
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::new(runtime))
        .with_default_features()
        .with_analyzer_rule(Arc::new(CheckedArithmetic))
        // This rule runs after DataFusion's own rules, because they expect its hash join.
        .with_physical_optimizer_rule(Arc::new(LookupJoins))
        .with_query_planner(Arc::new(ExtensionQueryPlanner));
    state
        .aggregate_functions()
        .get_or_insert_default()
        .extend(sql_functions::aggregates(&dictionary));
    state
        .scalar_functions()
        .get_or_insert_default()
        .extend(sql_functions::scalars());
    SessionContext::new_with_state(state.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_function_shadows_one_of_datafusion() {
        let names = datafusion::execution::SessionStateDefaults::default_scalar_functions();
        for function in sql_functions::scalars() {
            let taken = names.iter().any(|known| {
                known.name() == function.name()
                    || known.aliases().iter().any(|alias| alias == function.name())
            });
            assert!(!taken, "{}", function.name());
        }
    }
}
