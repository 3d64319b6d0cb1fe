//! The memory that reading may hold on to, accounted in `DataFusion`'s pool.

use std::sync::Arc;

use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// A share of the pool; what does not fit is spilled by whoever asked.
#[derive(Debug)]
pub(crate) struct Budget {
    reservation: MemoryReservation,
    limit_bytes: usize,
}

/// Memory taken from a budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    /// A budget of `percent` of the pool's limit.
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

    /// Takes memory if there is enough.
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
