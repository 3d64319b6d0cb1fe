//! Limits on the memory for one purpose, such as held rows or keys, accounted in `DataFusion`'s pool.

use std::sync::Arc;

use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// A share of the memory pool. A caller that gets no memory from it spills its data to disk.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Memory in use, as the pool counts it.
    reservation: MemoryReservation,
    /// The most bytes that this budget takes from the pool.
    limit_bytes: usize,
}

/// Memory taken from a budget; dropping this value returns the memory.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The budget to which the memory returns.
    budget: Arc<Budget>,
    /// The number of bytes taken.
    bytes: usize,
}

impl Budget {
    /// Creates a budget of `percent` percent of the pool's limit.
    pub(crate) fn new(pool: &Arc<dyn MemoryPool>, name: &str, percent: usize) -> Arc<Self> {
        let limit_bytes = match pool.memory_limit() {
            MemoryLimit::Finite(bytes) => bytes / 100 * percent,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        };
        Arc::new(Self {
            reservation: MemoryConsumer::new(name).register(pool),
            limit_bytes,
        })
    }

    /// Takes memory; returns `None` if the budget or the pool has too little.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Taken> {
        let fits = self.reservation.size().saturating_add(bytes) <= self.limit_bytes;
        (fits && self.reservation.try_grow(bytes).is_ok()).then(|| Taken {
            budget: Arc::clone(self),
            bytes,
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.budget.reservation.shrink(self.bytes);
    }
}
