//! A set of numbers as a bit for each.

use std::mem::size_of;

use super::encoded_set::{self, EncodedIds, WORD_BITS};

/// A bit for each number up to some number.
#[derive(Debug, Default)]
pub(super) struct Bitmap {
    words: Vec<u64>,
}

/// Bitmap may take so many times what the same numbers take as pairs: setting a bit is several times as fast as sorting.
const BITS_FOR_PAIR: usize = 4 * 64;

/// Until they take so many times as much, a set that has bits keeps them.
const MOST_BITS_FOR_PAIR: usize = 4 * BITS_FOR_PAIR;

/// Fewer numbers than this are sorted faster than memory for bits is found.
const LEAST: usize = 64;

/// How many numbers, of so many that there are, are worth bits.
pub(super) fn least(numbers: u32) -> usize {
    (numbers as usize / BITS_FOR_PAIR).max(LEAST)
}

impl Bitmap {
    /// Whether there are any.
    pub(super) fn are_used(&self) -> bool {
        !self.words.is_empty()
    }

    /// Adds a number, if there is a bit for it.
    pub(super) fn set(&mut self, number: u32) -> bool {
        let number = number as usize;
        match self.words.get_mut(number / WORD_BITS) {
            Some(word) => {
                *word |= 1 << (number % WORD_BITS);
                true
            }
            None => false,
        }
    }

    /// Adds all numbers of a set.
    pub(super) fn set_all(&mut self, numbers: EncodedIds<'_>) {
        numbers.set_bits(&mut self.words);
    }

    /// Whether there are enough numbers for bits up to another one.
    pub(super) fn are_worth(&self, number: u32) -> bool {
        number as usize <= self.count().max(LEAST) * MOST_BITS_FOR_PAIR
    }

    /// Makes bits up to a number; more than that where there are some, as higher numbers follow.
    pub(super) fn reach(&mut self, number: u32) {
        let words = number as usize / WORD_BITS + 1;
        let ahead = self.words.len() + self.words.len() / 4;
        if words > self.words.len() {
            let words = words.max(ahead);
            self.words.reserve_exact(words - self.words.len());
            self.words.resize(words, 0);
        }
    }

    /// How many numbers there are.
    pub(super) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    /// The numbers, ascending.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
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
