//! The set of visited states. It stores a 64-bit hash of each, and the state from which it was first reached.
//!
//! Two states with the same hash would be mistaken for one; among 30 million states the probability of that is 1 in
//! 40,000.

use std::hash::{Hash, Hasher};

/// The set of visited states. It takes 12 bytes per state, and 6 to 12 more for the hash table.
#[derive(Debug)]
pub struct Visited {
    hashes: Vec<u64>,
    parents: Vec<u32>,
    /// Hash table with open addressing and linear probing: the index of a state plus one, or 0 for a free slot.
    slots: Vec<u32>,
}

impl Visited {
    /// Returns an empty set.
    pub fn new() -> Self {
        Self {
            hashes: Vec::new(),
            parents: Vec::new(),
            slots: vec![0; 1 << 10],
        }
    }

    /// Returns the number of visited states.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Adds a state and the index of the state that led to it; returns the new index, or `None` if the state was
    /// visited before.
    pub fn insert(&mut self, hash: u64, parent: u32) -> Option<u32> {
        if (self.hashes.len() + 1) * 3 > self.slots.len() * 2 {
            self.grow();
        }
        let slot = self.slot(hash)?;
        let index =
            u32::try_from(self.hashes.len()).expect("memory ends before four billion states");
        self.slots[slot] = index + 1;
        self.hashes.push(hash);
        self.parents.push(parent);
        Some(index)
    }

    /// Returns the hashes of the states on the path to a state, without the initial state.
    pub fn path(&self, mut index: u32) -> Vec<u64> {
        let mut hashes = Vec::new();
        while index != 0 {
            hashes.push(self.hashes[index as usize]);
            index = self.parents[index as usize];
        }
        hashes.reverse();
        hashes
    }

    /// Returns the free slot for a hash; `None` if the table contains the hash.
    fn slot(&self, hash: u64) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut slot = usize::try_from(hash).unwrap_or_default() & mask;
        loop {
            match self.slots[slot] {
                0 => return Some(slot),
                index if self.hashes[index as usize - 1] == hash => return None,
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![0; mask + 1];
        for (hash, index) in self.hashes.iter().zip(1u32..) {
            let mut slot = usize::try_from(*hash).unwrap_or_default() & mask;
            while slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            slots[slot] = index;
        }
        self.slots = slots;
    }
}

/// Returns the 64-bit hash of a value.
pub fn hash(value: &impl Hash) -> u64 {
    let mut hasher = Folded::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A hasher for values with many one-byte fields. It collects eight bytes, multiplies them into 128 bits and combines
/// both halves; mixing each byte by itself would take half of the search's time.
#[derive(Default)]
struct Folded {
    mixed: u64,
    word: u64,
    bytes: u32,
}

impl Folded {
    fn add(&mut self, byte: u8) {
        self.word |= u64::from(byte) << (8 * self.bytes);
        self.bytes += 1;
        if self.bytes == 8 {
            self.mixed = fold(self.mixed.rotate_left(23) ^ self.word);
            (self.word, self.bytes) = (0, 0);
        }
    }

    /// Adds a number in one byte if it is below 255, as most discriminants and lengths are, and otherwise in nine.
    fn add_number(&mut self, number: u64) {
        match u8::try_from(number) {
            Ok(byte) if byte < u8::MAX => self.add(byte),
            _ => {
                self.add(u8::MAX);
                self.write(&number.to_le_bytes());
            }
        }
    }
}

fn fold(word: u64) -> u64 {
    // 2^64 divided by the golden ratio, so that a word of zeros does not stay what it is; then a multiplier with bits
    // of both kinds everywhere.
    let product = u128::from(word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    let bytes = product.to_le_bytes();
    let (low, high) = bytes.split_at(8);
    let half = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("half of 16 bytes"));
    half(low) ^ half(high)
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.add(*byte);
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.add(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.add_number(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.add_number(value.cast_unsigned() as u64);
    }

    fn finish(&self) -> u64 {
        let word = self.word ^ u64::from(self.bytes) << 56;
        fold(fold(self.mixed.rotate_left(23) ^ word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_new_once_also_after_the_table_has_grown() {
        let mut visited = Visited::new();
        let hashes: Vec<u64> = (0u64..50_000).map(|value| hash(&value)).collect();
        for value in &hashes {
            assert!(visited.insert(*value, 0).is_some());
        }
        assert_eq!(visited.len(), hashes.len());
        for value in &hashes {
            assert_eq!(visited.insert(*value, 0), None);
        }
    }

    #[test]
    fn hashes_that_share_a_slot_are_kept_apart() {
        let mut visited = Visited::new();
        let shared = [7, 7 + (1 << 40), 7 + (1 << 41)];
        let found: Vec<_> = shared.iter().map(|hash| visited.insert(*hash, 0)).collect();
        assert_eq!(found, [Some(0), Some(1), Some(2)]);
        assert_eq!(visited.insert(shared[2], 0), None);
    }

    #[test]
    fn the_path_to_a_state_leads_through_those_that_led_to_it() {
        let mut visited = Visited::new();
        for (hash, parent) in [(10, 0), (11, 0), (12, 1), (13, 0), (14, 2)] {
            visited.insert(hash, parent);
        }
        assert_eq!(visited.path(4), [11, 12, 14]);
        assert_eq!(visited.path(0), [0; 0]);
    }

    #[test]
    fn fields_that_change_places_give_another_hash() {
        assert_ne!(hash(&(1u8, 2u8)), hash(&(2u8, 1u8)));
        assert_ne!(hash(&[0u8; 8]), hash(&[0u8; 9]));
        let near: std::collections::HashSet<u64> =
            (0u64..1 << 16).map(|value| hash(&value) >> 32).collect();
        assert!(near.len() > 65_500, "{}", near.len());
    }
}
