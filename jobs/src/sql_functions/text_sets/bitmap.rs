//! A set of ids as a bit for each.

use std::mem::size_of;

use super::encoded_set::{self, EncodedIds, WORD_BITS};

/// A bit for each id up to some id.
#[derive(Debug, Default)]
pub(super) struct Bitmap {
    words: Vec<u64>,
}

/// Bits may take so many times what the same ids take as pairs: setting a bit is several times as fast as sorting.
const BITS_FOR_PAIR: usize = 4 * 64;

/// Until they take so many times as much, a set that has bits keeps them.
const MOST_BITS_FOR_PAIR: usize = 4 * BITS_FOR_PAIR;

/// Fewer ids than this are sorted faster than memory for bits is found.
const LEAST: usize = 64;

/// How many ids, of so many that there are, are worth bits.
pub(super) fn least(ids: u32) -> usize {
    (ids as usize / BITS_FOR_PAIR).max(LEAST)
}

impl Bitmap {
    /// Whether there are any.
    pub(super) fn are_used(&self) -> bool {
        !self.words.is_empty()
    }

    /// Adds an id, if there is a bit for it.
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

    /// Whether there are enough ids for bits up to another one.
    pub(super) fn are_worth(&self, id: u32) -> bool {
        id as usize <= self.count().max(LEAST) * MOST_BITS_FOR_PAIR
    }

    /// Makes bits up to an id; more than that where there are some, as higher ids follow.
    pub(super) fn reach(&mut self, id: u32) {
        let words = id as usize / WORD_BITS + 1;
        let ahead = self.words.len() + self.words.len() / 4;
        if words > self.words.len() {
            let words = words.max(ahead);
            self.words.reserve_exact(words - self.words.len());
            self.words.resize(words, 0);
        }
    }

    /// How many ids there are.
    pub(super) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The ids, ascending.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        encoded_set::bits_of(&self.words)
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Bytes beside the struct's own.
    pub(super) fn size(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}
