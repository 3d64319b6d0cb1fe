//! A set of ids with one bit per id.

use std::mem::size_of;

use super::encoded_set::{self, EncodedIds, WORD_BITS};

/// A set of ids as bits: bit `n` is set if the set contains id `n`. It has no bits if the set is stored as pairs of
/// group and id.
#[derive(Debug, Default)]
pub(super) struct Bitmap {
    /// The bits, 64 per word. The lowest bit of the first word is the bit of id 0.
    words: Vec<u64>,
}

/// Maximum number of bits per id of a group at which the group's pairs are turned into bits. A pair takes 64 bits. Bits
/// may take four times the memory of pairs, because setting a bit is several times as fast as sorting a pair.
const BITS_FOR_PAIR: usize = 4 * 64;

/// Maximum number of bits per id of a group at which the group keeps its bits. Above it, the bits are turned back into
/// pairs.
const MOST_BITS_FOR_PAIR: usize = 4 * BITS_FOR_PAIR;

/// Minimum number of ids that are turned into bits: sorting fewer ids is faster than allocating bits.
const MIN_IDS: usize = 64;

/// Returns the minimum number of ids at which a group's ids are turned into bits. `ids` is the number of ids in the
/// session.
pub(super) fn min_ids(ids: u32) -> usize {
    (ids as usize / BITS_FOR_PAIR).max(MIN_IDS)
}

impl Bitmap {
    /// `true` if the set is stored as bits.
    pub(super) fn is_used(&self) -> bool {
        !self.words.is_empty()
    }

    /// Sets the bit of an id. Returns `false` if the bitmap is too short for the id.
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

    /// Sets the bits of all ids of an encoded set. The bitmap grows as needed.
    pub(super) fn set_all(&mut self, ids: EncodedIds<'_>) {
        ids.set_bits(&mut self.words);
    }

    /// `true` if the set has enough ids to be worth the memory of bits up to `id`.
    pub(super) fn is_worth(&self, id: u32) -> bool {
        id as usize <= self.count().max(MIN_IDS) * MOST_BITS_FOR_PAIR
    }

    /// Grows the bitmap so that it has a bit for `id`. It grows by at least a quarter, because higher ids usually
    /// follow.
    pub(super) fn reach(&mut self, id: u32) {
        let words = id as usize / WORD_BITS + 1;
        let ahead = self.words.len() + self.words.len() / 4;
        if words > self.words.len() {
            let words = words.max(ahead);
            self.words.reserve_exact(words - self.words.len());
            self.words.resize(words, 0);
        }
    }

    /// Returns the number of ids in the set.
    pub(super) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// Returns the ids of the set in ascending order.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        encoded_set::bits_of(&self.words)
    }

    /// Returns the bits, 64 per word. The lowest bit of the first word is the bit of id 0.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Returns the heap memory of the bits in bytes.
    pub(super) fn size(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}
