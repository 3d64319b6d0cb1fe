//! A flat set of row hashes.

use crate::source::keys::row_hash::NO_HASH;

/// Open addressing over a power of two of slots, at most half of them used.
///
/// Row hashes are uniform already, so their lowest bits serve as the slot.
#[derive(Debug)]
pub(crate) struct HashSet128 {
    /// The hashes; [`NO_HASH`] marks a free slot.
    slots: Vec<u128>,
    /// The number of slots minus one.
    mask: usize,
    /// The number of hashes.
    len: usize,
}

impl HashSet128 {
    /// Creates an empty set that takes `capacity` hashes without growing.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let slots = Self::slots_for(capacity);
        Self {
            slots: vec![NO_HASH; slots],
            mask: slots - 1,
            len: 0,
        }
    }

    /// Returns the memory of a set of `capacity` hashes, in bytes.
    pub(crate) fn bytes_for(capacity: usize) -> usize {
        Self::slots_for(capacity) * size_of::<u128>()
    }

    /// Adds a hash; `false` if it is a duplicate. [`NO_HASH`] is never added.
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

    /// `true` if the set has the hash; never for [`NO_HASH`].
    #[inline]
    pub(crate) fn contains(&self, hash: u128) -> bool {
        hash != NO_HASH && self.slots[self.slot(hash)] == hash
    }

    /// Loads the slots of several hashes into the processor's cache.
    ///
    /// The loads overlap here; in a lookup of one hash after another, the processor would wait for each of them. A few
    /// hundred hashes stay in the cache until they are looked up.
    pub(crate) fn fetch(&self, hashes: &[u128]) {
        let slots = hashes
            .iter()
            .map(|hash| self.slots[*hash as usize & self.mask]);
        std::hint::black_box(slots.fold(0, |all, slot| all ^ slot));
    }

    /// Returns the slot that has the hash, or the free slot for it.
    #[inline]
    fn slot(&self, hash: u128) -> usize {
        let mut slot = hash as usize & self.mask;
        while self.slots[slot] != hash && self.slots[slot] != NO_HASH {
            slot = (slot + 1) & self.mask;
        }
        slot
    }

    /// Returns the number of slots for `capacity` hashes.
    fn slots_for(capacity: usize) -> usize {
        (capacity.max(8) * 2).next_power_of_two()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserted_hashes_are_found_also_after_growing() {
        let mut set = HashSet128::with_capacity(1);
        for hash in 1..=10_000_u128 {
            assert!(set.insert(hash << 3));
            assert!(!set.insert(hash << 3));
        }
        assert!((1..=10_000_u128).all(|hash| set.contains(hash << 3)));
        assert!(!set.contains(3) && !set.contains(NO_HASH));
    }
}
