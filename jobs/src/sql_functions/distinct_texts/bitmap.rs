//! A set of ids with one bit per id.

use std::mem::size_of;

use super::encoded_set::{self, EncodedIds, WORD_BITS};

/// One bit for each id up to some id; empty if the set is not held as bits.
#[derive(Debug, Default)]
pub(super) struct Bitmap {
    /// The bits, 64 per word; the lowest bit of the first word is that of id 0.
    words: Vec<u64>,
}

/// Largest number of bits per id at which pairs are turned into bits. A pair takes 64 bits. Bits may take four times
/// the memory of the pairs, because setting a bit is several times as fast as sorting a pair.
const BITS_FOR_PAIR: usize = 4 * 64;

/// Largest number of bits per id at which bits are kept. Above it, they are turned back into pairs.
const MOST_BITS_FOR_PAIR: usize = 4 * BITS_FOR_PAIR;

/// Smallest number of ids that are turned into bits: sorting fewer ids is faster than allocating bits.
const MIN_IDS: usize = 64;

/// Returns the smallest number of ids of a group that are turned into bits. `ids` is the number of ids in the session.
pub(super) fn min_ids(ids: u32) -> usize {
    (ids as usize / BITS_FOR_PAIR).max(MIN_IDS)
}

impl Bitmap {
    /// `true` if the set is held as bits.
    pub(super) fn is_used(&self) -> bool {
        !self.words.is_empty()
    }

    /// Adds an id. Returns `false` if there is no bit for it yet.
    pub(super) fn set(&mut self, id: u32) -> bool {
        let id = id as usize;
        match self.words.get_mut(id / WORD_BITS) {
            Some(word) => {
                *word |= 1 << (id % WORD_BITS);
                true
            }
            None => false,
        }
    }

    /// Adds all ids of a set.
    pub(super) fn set_all(&mut self, ids: EncodedIds<'_>) {
        ids.set_bits(&mut self.words);
    }

    /// `true` if the set has enough ids to be held as bits up to `id`.
    pub(super) fn is_worth(&self, id: u32) -> bool {
        id as usize <= self.count().max(MIN_IDS) * MOST_BITS_FOR_PAIR
    }

    /// Adds bits up to an id. The bits grow by at least a quarter, because higher ids follow.
    pub(super) fn reach(&mut self, id: u32) {
        let words = id as usize / WORD_BITS + 1;
        let ahead = self.words.len() + self.words.len() / 4;
        if words > self.words.len() {
            let words = words.max(ahead);
            self.words.reserve_exact(words - self.words.len());
            self.words.resize(words, 0);
        }
    }

    /// Returns the number of ids.
    pub(super) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Returns the ids in ascending order.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        encoded_set::bits_of(&self.words)
    }

    /// Returns the bits, in words.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Returns the heap memory in bytes.
    pub(super) fn size(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}
