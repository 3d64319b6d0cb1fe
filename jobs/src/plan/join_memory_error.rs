//! Gives joins that run out of memory an error type of their own.
//!
//! DataFusion's hash join and the lookup join cannot spill the side that they hold in memory, but a join that sorts
//! both sides can. So the runner computes the output again with sorting joins, and for that it must recognize this
//! failure. DataFusion names the consumer that was refused memory only in the text of the error. The memory pool knows
//! which consumer asks, so a wrapper around the pool gives the error a type.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use thiserror::Error;

/// Name of the memory consumer that holds one side of a join. DataFusion's own hash join registers under this name,
/// followed by the partition in brackets if each partition holds its own rows. The lookup join uses the same name.
pub(super) const JOIN_CONSUMER: &str = "HashJoinInput";

/// Failure of a join whose in-memory side does not fit into the memory pool. A join that sorts both sides can spill
/// instead, and returns the same rows.
#[derive(Debug, Error)]
#[error("a join ran out of memory for the rows that it must hold in memory")]
pub struct JoinOutOfMemory {
    /// The pool's error, always `ResourcesExhausted`.
    source: DataFusionError,
}

impl JoinOutOfMemory {
    /// `true` if an error, or a direct or indirect source of it, has this type.
    #[must_use]
    pub fn is_cause_of(error: &(dyn Error + 'static)) -> bool {
        let mut next = Some(error);
        while let Some(cause) = next {
            if cause.is::<Self>() {
                return true;
            }
            next = cause.source();
        }
        false
    }
}

/// A memory pool that forwards to another pool, and returns [`JoinOutOfMemory`] if that pool refuses memory to a join.
#[derive(Debug)]
pub(super) struct JoinMemoryPool {
    /// Pool to which all requests for memory are forwarded.
    inner: Arc<dyn MemoryPool>,
}

impl JoinMemoryPool {
    /// Wraps the memory pool to which requests are forwarded.
    pub(super) fn new(inner: Arc<dyn MemoryPool>) -> Self {
        Self { inner }
    }
}

impl fmt::Display for JoinMemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl MemoryPool for JoinMemoryPool {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.inner.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.inner.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.inner.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.inner.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let granted = self.inner.try_grow(reservation, additional);
        match granted {
            Err(source) if reservation.consumer().name().starts_with(JOIN_CONSUMER) => {
                Err(DataFusionError::External(Box::new(JoinOutOfMemory {
                    source,
                })))
            }
            other => other,
        }
    }

    fn reserved(&self) -> usize {
        self.inner.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.inner.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch};
    use datafusion::execution::memory_pool::GreedyMemoryPool;
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;

    use super::*;
    use crate::plan::session_context;

    /// Returns the error of a query over two tables with a column `n`, for which memory is too short.
    async fn failure(sql: &str) -> DataFusionError {
        let pool = Arc::new(GreedyMemoryPool::new(100_000));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(pool)
            .build_arc()
            .unwrap();
        let context = session_context(runtime, 1);
        for (name, rows) in [("lookup", 20_000), ("facts", 50_000)] {
            let numbers = Arc::new((0..rows).collect::<Int64Array>());
            let batch = RecordBatch::try_from_iter([("n", numbers as _)]).unwrap();
            context.register_batch(name, batch).unwrap();
        }
        context.sql(sql).await.unwrap().collect().await.unwrap_err()
    }

    #[tokio::test]
    async fn every_join_without_enough_memory_fails_with_the_type() {
        for join in ["left join", "join", "full join"] {
            let sql = format!("select facts.n from facts {join} lookup on lookup.n = facts.n");
            let error = failure(&sql).await;
            assert!(JoinOutOfMemory::is_cause_of(&error), "{join}: {error}");
            assert!(
                matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)),
                "{join}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn other_consumers_without_enough_memory_fail_without_the_type() {
        let error = failure("select count(distinct n) from facts").await;
        assert!(
            matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)),
            "{error}"
        );
        assert!(!JoinOutOfMemory::is_cause_of(&error));
    }
}
