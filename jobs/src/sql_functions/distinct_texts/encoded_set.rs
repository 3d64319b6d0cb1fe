//! A set of texts as bytes: the state that one stage of an aggregation passes to the next, and a set in SQL.
//!
//! ```text
//!   u32  count            ids, ascending, 4 bytes each   if sparse
//!   u32  DENSE | words    a bit per id, 8-byte words     if dense
//!   then, for each text without an id: u32 length, bytes
//! ```
//!
//! All numbers are little-endian. Ids are valid only in their session, so a set cannot be published.

use std::collections::BTreeSet;

use datafusion::common::{Result, exec_datafusion_err};

/// Flag in the head of a dense set. It means that the count in the head is a number of words, not a number of ids.
const DENSE: u32 = 1 << 31;

/// Size in bytes of the head of a set, and of the length that precedes a text.
const HEAD_BYTES: usize = size_of::<u32>();
/// Size of an id in bytes.
const ID_BYTES: usize = size_of::<u32>();
/// Size in bytes of a word of a dense set.
const WORD_BYTES: usize = size_of::<u64>();

/// Number of bits in a word of a dense set.
pub(super) const WORD_BITS: usize = u64::BITS as usize;

/// Encoding of the empty set: a sparse set with a count of 0.
pub(super) const EMPTY: [u8; HEAD_BYTES] = [0; HEAD_BYTES];

/// A decoded set, which borrows the bytes from which it was decoded.
#[derive(Clone, Copy)]
pub(super) struct EncodedSet<'a> {
    /// Ids of the texts that have an id.
    pub(super) ids: EncodedIds<'a>,
    /// The texts without an id, each preceded by its length.
    texts: &'a [u8],
}

/// Ids of a set, in the encoding in which the set stores them.
#[derive(Clone, Copy)]
pub(super) enum EncodedIds<'a> {
    /// Ids in ascending order, four bytes each.
    Sparse(&'a [u8]),
    /// Words of eight bytes, with one bit per id.
    Dense(&'a [u8]),
}

impl<'a> EncodedSet<'a> {
    /// Decodes a set. It checks all lengths, because SQL can pass bytes that are not a set.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let broken = || exec_datafusion_err!("the value is not a set made by `unique_set`");
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

    /// Returns the number of texts, with and without ids.
    pub(super) fn len(self) -> usize {
        self.ids.len() + self.texts().count()
    }

    /// Returns the texts without an id.
    pub(super) fn texts(self) -> impl Iterator<Item = &'a [u8]> {
        let mut unread = self.texts;
        std::iter::from_fn(move || {
            let (length, rest) = unread.split_at_checked(HEAD_BYTES)?;
            let (text, rest) = rest.split_at_checked(u32_of(length) as usize)?;
            unread = rest;
            Some(text)
        })
    }

    /// Appends the bytes of the union of two sets to `into`.
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
    /// Returns the number of ids.
    fn len(self) -> usize {
        match self {
            Self::Sparse(bytes) => bytes.len() / ID_BYTES,
            Self::Dense(bytes) => words_of(bytes).map(|word| word.count_ones() as usize).sum(),
        }
    }

    /// Sets the bit of each id in the bitmap `words`, which grows as needed.
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

/// Decodes the ids of a sparse set.
pub(super) fn ids_of(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(ID_BYTES).map(u32_of)
}

/// Decodes the words of a dense set.
fn words_of(bytes: &[u8]) -> impl ExactSizeIterator<Item = u64> {
    bytes.chunks_exact(WORD_BYTES).map(|word| {
        u64::from_le_bytes(
            word.try_into()
                .expect("every chunk has the 8 bytes of a word"),
        )
    })
}

/// Decodes a little-endian number of 4 bytes.
fn u32_of(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("the caller passes 4 bytes"))
}

/// Returns the ids whose bits are set in `words`, in ascending order.
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

/// Appends ascending ids to `into`, as a sparse or dense set, whichever is shorter.
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

/// Appends the ids of a bitmap to `into`, as a sparse or dense set, whichever is shorter.
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

/// Appends the words of a bitmap to `into`, as a dense set.
fn write_dense(words: &[u64], into: &mut Vec<u8>) {
    into.extend_from_slice(&(DENSE | length(words.len())).to_le_bytes());
    for word in words {
        into.extend_from_slice(&word.to_le_bytes());
    }
}

/// Appends a text without an id to `into`. In a set, such texts follow the ids.
pub(super) fn write_text(text: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&length(text.len()).to_le_bytes());
    into.extend_from_slice(text);
}

/// Converts a count or length to the 4-byte number that the encoding stores.
fn length(length: usize) -> u32 {
    u32::try_from(length).expect("ids have 31 bits, and a text in an array is shorter than 4 GiB")
}
