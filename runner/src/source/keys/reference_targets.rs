//! What references to a dataset lead to: the hashes of its accepted rows, and of those that were rejected.

use crate::source::keys::hash_set::HashSet128;
use crate::source::keys::key_entries::{Entries, Position};
use crate::sql::held::memory_budget::{Budget, Taken};
use std::sync::Arc;

use crate::Result;

/// Hashes of some columns of a dataset that has been read.
#[derive(Debug)]
pub(crate) struct ReferenceTarget {
    accepted: HashSet128,
    rejected: HashSet128,
    #[expect(dead_code, reason = "given back when dropped")]
    taken: Taken,
}

impl ReferenceTarget {
    /// Loads all accepted hashes into memory; `None` where the budget has no room for them.
    ///
    /// # Errors
    /// Failed: entries that were put on disk cannot be read back.
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
        for part in 0..entries.parts() {
            for entry in entries.read(part)? {
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

    /// Prepares to be asked for some hashes.
    pub(crate) fn fetch(&self, hashes: &[u128]) {
        self.accepted.fetch(hashes);
    }

    #[inline]
    pub(crate) fn holds(&self, hash: u128) -> bool {
        self.accepted.contains(hash)
    }

    /// Whether a row of this hash was rejected; asked only of hashes that no accepted row has.
    pub(crate) fn has_rejected(&self, hash: u128) -> bool {
        self.rejected.contains(hash)
    }
}

/// A set of a list of hashes.
pub(crate) fn set_of(hashes: &[u128]) -> HashSet128 {
    let mut set = HashSet128::with_capacity(hashes.len());
    for hash in hashes {
        set.insert(*hash);
    }
    set
}
