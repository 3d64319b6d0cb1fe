//! A set of texts as bytes: what one stage of an aggregation hands to the next, and what SQL calls a set.
//!
//! ```text
//!   u32  count            ids, ascending, 4 bytes each       few of many
//!   u32  DENSE | words    a bit for each id, 8 bytes a word  many
//!   then, for each text without an id: u32 length, bytes
//! ```
//!
//! All in little-endian order. Ids mean something in their session only, so a set is no value that could be published.

use std::collections::BTreeSet;

use datafusion::common::{Result, exec_datafusion_err};

/// Marks a count of words in the head.
const DENSE: u32 = 1 << 31;

const HEAD_BYTES: usize = size_of::<u32>();
const ID_BYTES: usize = size_of::<u32>();
const WORD_BYTES: usize = size_of::<u64>();

/// The bits of a word.
pub(super) const WORD_BITS: usize = u64::BITS as usize;

/// The set of no text.
pub(super) const EMPTY: [u8; HEAD_BYTES] = [0; HEAD_BYTES];

/// A set that was read back from its bytes.
#[derive(Clone, Copy)]
pub(super) struct EncodedSet<'a> {
    pub(super) ids: EncodedIds<'a>,
    texts: &'a [u8],
}

/// The ids of a set.
#[derive(Clone, Copy)]
pub(super) enum EncodedIds<'a> {
    Sparse(&'a [u8]),
    Dense(&'a [u8]),
}

impl<'a> EncodedSet<'a> {
    /// Reads a set, all of it: bytes from elsewhere are refused.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let broken = || exec_datafusion_err!("these bytes are no set that `unique_set` made");
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or_else(broken)?;
        let head = u32_of(head);
        let (count, unit) = if head & DENSE == 0 {
            (head, ID_BYTES)
        } else {
            (head - DENSE, WORD_BYTES)
        };
        let (ids, texts) = rest
            .split_at_checked(count as usize * unit)
            .ok_or_else(broken)?;
        let mut unread = texts;
        while !unread.is_empty() {
            let (length, rest) = unread.split_at_checked(HEAD_BYTES).ok_or_else(broken)?;
            let (_, rest) = rest
                .split_at_checked(u32_of(length) as usize)
                .ok_or_else(broken)?;
            unread = rest;
        }
        let ids = if unit == ID_BYTES {
            EncodedIds::Sparse(ids)
        } else {
            EncodedIds::Dense(ids)
        };
        Ok(Self { ids, texts })
    }

    /// How many texts are in it.
    pub(super) fn len(self) -> usize {
        self.ids.len() + self.texts().count()
    }

    /// The texts without an id.
    pub(super) fn texts(self) -> impl Iterator<Item = &'a [u8]> {
        let mut unread = self.texts;
        std::iter::from_fn(move || {
            let (length, rest) = unread.split_at_checked(HEAD_BYTES)?;
            let (text, rest) = rest.split_at_checked(u32_of(length) as usize)?;
            unread = rest;
            Some(text)
        })
    }

    /// Writes the set of what is in either.
    pub(super) fn union(self, other: Self, into: &mut Vec<u8>) {
        let ids = match (self.ids, other.ids) {
            (EncodedIds::Sparse(left), EncodedIds::Sparse(right)) => {
                let mut all = ids_of(left).chain(ids_of(right)).collect::<Vec<_>>();
                #[expect(
                    clippy::stable_sort_primitive,
                    reason = "this sort finds the two sorted runs and merges them"
                )]
                all.sort();
                all.dedup();
                Ok(all)
            }
            (left, right) => {
                let mut words = Vec::new();
                left.set_bits(&mut words);
                right.set_bits(&mut words);
                Err(words)
            }
        };
        match ids {
            Ok(ids) => write_ids(&ids, into),
            Err(words) => write_words(&words, into),
        }
        if self.texts.is_empty() || other.texts.is_empty() {
            into.extend_from_slice(self.texts);
            into.extend_from_slice(other.texts);
        } else {
            let texts = self.texts().chain(other.texts()).collect::<BTreeSet<_>>();
            for text in texts {
                write_text(text, into);
            }
        }
    }
}

impl EncodedIds<'_> {
    fn len(self) -> usize {
        match self {
            Self::Sparse(bytes) => bytes.len() / ID_BYTES,
            Self::Dense(bytes) => words_of(bytes).map(|word| word.count_ones() as usize).sum(),
        }
    }

    /// Adds these ids to others that are held as bits.
    pub(super) fn set_bits(self, words: &mut Vec<u64>) {
        match self {
            Self::Sparse(bytes) => {
                let words_needed = ids_of(bytes)
                    .last()
                    .map_or(0, |last| last as usize / WORD_BITS + 1);
                if words.len() < words_needed {
                    words.resize(words_needed, 0);
                }
                for id in ids_of(bytes) {
                    words[id as usize / WORD_BITS] |= 1 << (id as usize % WORD_BITS);
                }
            }
            Self::Dense(bytes) => {
                let other = words_of(bytes);
                if words.len() < other.len() {
                    words.resize(other.len(), 0);
                }
                for (word, other) in words.iter_mut().zip(other) {
                    *word |= other;
                }
            }
        }
    }
}

/// The ids in a sparse set's bytes.
pub(super) fn ids_of(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(ID_BYTES).map(u32_of)
}

fn words_of(bytes: &[u8]) -> impl ExactSizeIterator<Item = u64> {
    bytes.chunks_exact(WORD_BYTES).map(|word| {
        u64::from_le_bytes(
            word.try_into()
                .expect("a word's bytes are as many as a word has"),
        )
    })
}

fn u32_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(
        bytes
            .try_into()
            .expect("an id's bytes are as many as an id has"),
    )
}

/// The ids that stand in words of bits, ascending.
pub(super) fn bits_of(words: &[u64]) -> impl Iterator<Item = u32> {
    words.iter().enumerate().flat_map(|(place, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(u32::try_from(place * WORD_BITS + bit).expect("an id has 31 bits"))
        })
    })
}

/// Writes ids that are ascending.
pub(super) fn write_ids(ids: &[u32], into: &mut Vec<u8>) {
    let words = ids.last().map_or(0, |last| *last as usize / WORD_BITS + 1);
    if ids.len() * ID_BYTES <= words * WORD_BYTES {
        into.extend_from_slice(&length(ids.len()).to_le_bytes());
        for id in ids {
            into.extend_from_slice(&id.to_le_bytes());
        }
    } else {
        let mut bits = vec![0; words];
        for id in ids {
            bits[*id as usize / WORD_BITS] |= 1 << (*id as usize % WORD_BITS);
        }
        write_dense(&bits, into);
    }
}

/// Writes ids that are held as bits.
pub(super) fn write_words(words: &[u64], into: &mut Vec<u8>) {
    let used = words
        .iter()
        .rposition(|word| *word != 0)
        .map_or(0, |last| last + 1);
    let words = &words[..used];
    let ones = words
        .iter()
        .map(|word| word.count_ones() as usize)
        .sum::<usize>();
    if ones * ID_BYTES <= words.len() * WORD_BYTES {
        into.extend_from_slice(&length(ones).to_le_bytes());
        for id in bits_of(words) {
            into.extend_from_slice(&id.to_le_bytes());
        }
    } else {
        write_dense(words, into);
    }
}

fn write_dense(words: &[u64], into: &mut Vec<u8>) {
    into.extend_from_slice(&(DENSE | length(words.len())).to_le_bytes());
    for word in words {
        into.extend_from_slice(&word.to_le_bytes());
    }
}

/// Writes a text that has no id; these come last, ascending.
pub(super) fn write_text(text: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&length(text.len()).to_le_bytes());
    into.extend_from_slice(text);
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("ids have 31 bits and a text of an array's is shorter than 4 GiB")
}
