//! The different values of a column, numbered as they first come.

use std::collections::HashMap;
use std::hash::Hash;

use datafusion::common::hash_utils::RandomState;

/// Beyond this a dictionary costs more than it saves.
const MOST_BYTES: usize = 1 << 20;

/// Values and their numbers.
#[derive(Debug)]
pub(crate) struct Dictionary<K> {
    numbers: HashMap<K, u32, RandomState>,
    /// The values as a page holds them.
    pub(crate) plain: Vec<u8>,
    /// Where each value begins.
    starts: Vec<u32>,
}

impl<K: Copy + Eq + Hash> Dictionary<K> {
    /// A dictionary without values.
    pub(crate) fn new() -> Self {
        Self {
            numbers: HashMap::default(),
            plain: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// The number of a value; one that is new is appended to a page by `append`.
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

    /// How many values there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.plain.len() >= MOST_BYTES
    }

    /// The bytes of a page from the value of a number on.
    pub(crate) fn value(&self, number: usize) -> &[u8] {
        &self.plain[self.starts[number] as usize..]
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<(K, u32)>()
            + self.plain.capacity()
            + self.starts.capacity() * size_of::<u32>()
    }
}
