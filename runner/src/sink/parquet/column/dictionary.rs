//! The distinct values of a column, numbered in the order of first appearance.

use std::collections::HashMap;
use std::hash::Hash;

use datafusion::common::hash_utils::RandomState;

/// The size in bytes at which a dictionary is full; a larger one costs more than it saves.
const MOST_BYTES: usize = 1 << 20;

/// The distinct values of a column and their indices.
#[derive(Debug)]
pub(crate) struct Dictionary<K> {
    /// The index of each value, by the value's key.
    numbers: HashMap<K, u32, RandomState>,
    /// Plain encoding of the values, as the dictionary page stores them.
    pub(crate) plain: Vec<u8>,
    /// The offset in `plain` at which each value begins, by index.
    starts: Vec<u32>,
}

impl<K: Copy + Eq + Hash> Dictionary<K> {
    /// Creates an empty dictionary.
    pub(crate) fn new() -> Self {
        Self {
            numbers: HashMap::default(),
            plain: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// Returns the index of the value with this key. A new value is added; `append` then writes its plain encoding.
    #[inline]
    pub(crate) fn number(&mut self, key: K, append: impl FnOnce(&mut Vec<u8>)) -> u32 {
        *self.numbers.entry(key).or_insert_with(|| {
            let start = u32::try_from(self.plain.len());
            let next = u32::try_from(self.starts.len());
            self.starts
                .push(start.expect("a full dictionary gets no value"));
            append(&mut self.plain);
            next.expect("there are fewer values than bytes")
        })
    }

    /// Returns the number of distinct values.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Returns `true` once the dictionary has reached [`MOST_BYTES`], after which no value may be added.
    pub(crate) fn is_full(&self) -> bool {
        self.plain.len() >= MOST_BYTES
    }

    /// Returns the plain encoding of the value with this index, followed by those of all later values.
    pub(crate) fn value(&self, number: usize) -> &[u8] {
        &self.plain[self.starts[number] as usize..]
    }

    /// Returns the number of bytes that the dictionary holds in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<(K, u32)>()
            + self.plain.capacity()
            + self.starts.capacity() * size_of::<u32>()
    }
}
