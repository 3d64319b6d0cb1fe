//! A set of row hashes, flat in memory.

use crate::source::keys::row_hash::NO_HASH;

/// Open addressing over a power of two of slots, at most half of them used.
#[derive(Debug)]
pub(crate) struct HashSet128 {
    slots: Vec<u128>,
    mask: usize,
    len: usize,
}

impl HashSet128 {
    /// An empty set that takes `capacity` hashes without growing.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let slots = Self::slots_for(capacity);
        Self {
            slots: vec![NO_HASH; slots],
            mask: slots - 1,
            len: 0,
        }
    }

    /// The memory of a set of so many hashes.
    pub(crate) fn bytes_for(capacity: usize) -> usize {
        Self::slots_for(capacity) * size_of::<u128>()
    }

    /// Adds a hash; false where it was in already. [`NO_HASH`] is in no set.
    pub(crate) fn insert(&mut self, hash: u128) -> bool {
        if hash == NO_HASH {
            return false;
        }
        if (self.len + 1) * 2 > self.slots.len() {
            let mut larger = Self::with_capacity(self.slots.len());
            for hash in std::mem::take(&mut self.slots) {
                larger.insert(hash);
            }
            *self = larger;
        }
        let slot = self.slot(hash);
        let is_new = self.slots[slot] == NO_HASH;
        if is_new {
            self.slots[slot] = hash;
            self.len += 1;
        }
        is_new
    }

    #[inline]
    pub(crate) fn contains(&self, hash: u128) -> bool {
        hash != NO_HASH && self.slots[self.slot(hash)] == hash
    }

    /// Has the processor fetch where hashes are found, all at the same time: one after the other, each would be waited for.
    /// A few hundred at once stay near until they are asked for.
    pub(crate) fn fetch(&self, hashes: &[u128]) {
        let slots = hashes
            .iter()
            .map(|hash| self.slots[*hash as usize & self.mask]);
        std::hint::black_box(slots.fold(0, |all, slot| all ^ slot));
    }

    /// Where a hash is or would be.
    #[inline]
    fn slot(&self, hash: u128) -> usize {
        let mut slot = hash as usize & self.mask;
        while self.slots[slot] != hash && self.slots[slot] != NO_HASH {
            slot = (slot + 1) & self.mask;
        }
        slot
    }

    fn slots_for(capacity: usize) -> usize {
        (capacity.max(8) * 2).next_power_of_two()
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
