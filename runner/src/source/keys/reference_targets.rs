//! Hashes of the rows to which references may lead: of a dataset's accepted rows, and of its rejected rows.

use crate::source::keys::hash_set::HashSet128;
use crate::source::keys::key_entries::{Entries, Position};
use crate::sql::held::memory_budget::{Budget, Taken};
use std::sync::Arc;

use crate::Result;

/// Row hashes of a dataset that was read, over the columns to which references lead.
#[derive(Debug)]
pub(crate) struct ReferenceTarget {
    /// The hashes of accepted rows.
    accepted: HashSet128,
    /// The hashes of rejected rows. A row that refers to one of them is rejected as a consequence and counted
    /// separately.
    rejected: HashSet128,
    /// The memory that both sets take from the budget.
    #[expect(dead_code, reason = "returned to the budget when dropped")]
    taken: Taken,
}

impl ReferenceTarget {
    /// Loads all hashes into memory; `None` if the budget has no room for them. `is_dropped` returns `true` for entries
    /// that were rejected after decoding.
    ///
    /// # Errors
    /// `Failed` if spilled entries cannot be read back.
    pub(crate) fn load(
        entries: &Entries,
        rejected: &[u128],
        is_dropped: impl Fn(Position) -> bool,
        budget: &Arc<Budget>,
    ) -> Result<Option<Self>> {
        let bytes = HashSet128::bytes_for(entries.len()) + HashSet128::bytes_for(rejected.len());
        let Some(taken) = budget.take(bytes) else {
            return Ok(None);
        };
        let mut accepted = HashSet128::with_capacity(entries.len());
        let mut rejected = set_of(rejected);
        for shard in 0..entries.shards() {
            for entry in entries.read(shard)? {
                if is_dropped(entry.position) {
                    rejected.insert(entry.hash);
                } else {
                    accepted.insert(entry.hash);
                }
            }
        }
        Ok(Some(Self {
            accepted,
            rejected,
            taken,
        }))
    }

    /// Loads the slots of several hashes into the cache, so that looking them up does not wait for memory.
    pub(crate) fn fetch(&self, hashes: &[u128]) {
        self.accepted.fetch(hashes);
    }

    /// `true` if an accepted row has the hash.
    #[inline]
    pub(crate) fn holds(&self, hash: u128) -> bool {
        self.accepted.contains(hash)
    }

    /// `true` if a rejected row has the hash. The answer is meaningful only if no accepted row has it.
    pub(crate) fn has_rejected(&self, hash: u128) -> bool {
        self.rejected.contains(hash)
    }
}

/// Collects hashes into a set.
pub(crate) fn set_of(hashes: &[u128]) -> HashSet128 {
    let mut set = HashSet128::with_capacity(hashes.len());
    for hash in hashes {
        set.insert(*hash);
    }
    set
}
