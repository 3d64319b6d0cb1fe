//! A set of row hashes in one flat table.

use drivetrain_jobs::hash_table::{HashTable, Probe, Slot};

use crate::source::keys::row_hash::NO_HASH;

/// Set of row hashes, in a table of which at most half is used.
///
/// Row hashes are uniform already, so their lowest bits serve as the slot.
#[derive(Debug)]
pub(crate) struct HashSet128 {
    /// The slots, at most half of them occupied.
    table: HashTable<HashSlot>,
    /// The number of hashes in the set.
    len: usize,
}

/// A slot of the table: a row hash, or [`NO_HASH`] if the slot is free.
#[derive(Debug)]
struct HashSlot(u128);

impl HashSet128 {
    /// Builds an empty set that takes `capacity` hashes without growing.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            table: HashTable::with_slots(Self::slots_for(capacity)),
            len: 0,
        }
    }

    /// Returns the number of bytes that a set of `capacity` hashes takes in memory.
    pub(crate) fn bytes_for(capacity: usize) -> usize {
        HashTable::<HashSlot>::bytes(Self::slots_for(capacity))
    }

    /// Adds a hash; returns `true` if the set did not have it. [`NO_HASH`] is never added.
    pub(crate) fn insert(&mut self, hash: u128) -> bool {
        if hash == NO_HASH {
            return false;
        }
        if (self.len + 1) * 2 > self.table.slots() {
            let slots = 2 * self.table.slots();
            self.table = self.table.grown(slots, |hash| low_half(*hash));
        }
        match self.probe(hash) {
            Probe::Found(_) => false,
            Probe::Free(free) => {
                self.table.occupy(free, hash);
                self.len += 1;
                true
            }
        }
    }

    /// `true` if the hash is in the set.
    #[inline]
    pub(crate) fn contains(&self, hash: u128) -> bool {
        hash != NO_HASH && matches!(self.probe(hash), Probe::Found(_))
    }

    /// Loads the slots of several hashes into the cache, so that looking them up does not wait for memory.
    pub(crate) fn fetch(&self, hashes: &[u128]) {
        self.table
            .prefetch(hashes.iter().map(|hash| low_half(*hash)));
    }

    /// Finds a hash, or the free slot that it would take.
    #[inline]
    fn probe(&self, hash: u128) -> Probe<u128> {
        self.table.probe(low_half(hash), |known| *known == hash)
    }

    /// Returns the number of slots in a table that takes `capacity` hashes.
    fn slots_for(capacity: usize) -> usize {
        capacity.max(8) * 2
    }
}

/// Returns the half of a row hash that determines the first slot of its search.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half of a hash is as good as the whole"
)]
fn low_half(hash: u128) -> u64 {
    hash as u64
}

impl Slot for HashSlot {
    type Entry = u128;

    fn free() -> Self {
        Self(NO_HASH)
    }

    fn occupied(hash: u128) -> Self {
        Self(hash)
    }

    fn entry(&self) -> Option<u128> {
        (self.0 != NO_HASH).then_some(self.0)
    }

    fn touch(&self) -> u64 {
        low_half(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_found_also_after_growing() {
        let mut set = HashSet128::with_capacity(1);
        for hash in 1..=10_000_u128 {
            assert!(set.insert(hash << 3));
            assert!(!set.insert(hash << 3));
        }
        assert!((1..=10_000_u128).all(|hash| set.contains(hash << 3)));
        assert!(!set.contains(3) && !set.contains(NO_HASH));
    }
}
