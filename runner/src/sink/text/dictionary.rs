//! The different values of a column, numbered as they first come.

use std::collections::HashMap;

use arrow::array::{ByteView, MAX_INLINE_VIEW_LEN};
use datafusion::common::hash_utils::RandomState;
use xxhash_rust::xxh3::xxh3_128;

/// Beyond this a dictionary costs more than it saves.
const MOST_BYTES: usize = 1 << 20;

/// Values and their numbers.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    numbers: HashMap<u128, u32, RandomState>,
    /// The values as a page holds them: each behind its length.
    pub(super) plain: Vec<u8>,
    /// Where each value begins.
    starts: Vec<u32>,
}

impl Dictionary {
    /// The number of a value, given with its view.
    #[inline]
    pub(super) fn number<'a>(&mut self, view: u128, value: impl Fn() -> &'a [u8]) -> u32 {
        // The lowest bits of a view, the text's length, keep both kinds apart.
        let length = ByteView::from(view).length;
        let key = if length <= MAX_INLINE_VIEW_LEN {
            view
        } else {
            xxh3_128(value()) << u32::BITS | u128::from(length)
        };
        *self.numbers.entry(key).or_insert_with(|| {
            let start = u32::try_from(self.plain.len());
            let next = u32::try_from(self.starts.len());
            self.starts
                .push(start.expect("a full dictionary gets no value"));
            append(&mut self.plain, value());
            next.expect("there are fewer values than bytes")
        })
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.plain.len() >= MOST_BYTES
    }

    /// The value of a number.
    pub(super) fn value(&self, number: u32) -> &[u8] {
        let plain = &self.plain[self.starts[number as usize] as usize..];
        let (length, text) = plain.split_first_chunk().expect("a value has a length");
        &text[..u32::from_le_bytes(*length) as usize]
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<(u128, u32)>()
            + self.plain.capacity()
            + self.starts.capacity() * size_of::<u32>()
    }
}

/// Appends a value as pages hold it: its length, then its bytes.
pub(super) fn append(plain: &mut Vec<u8>, value: &[u8]) {
    let length = u32::try_from(value.len()).expect("a view's length has 32 bits");
    plain.extend_from_slice(&length.to_le_bytes());
    plain.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, StringViewArray};

    use super::*;

    #[test]
    fn equal_texts_have_one_number_wherever_they_lie() {
        let long = "a text that no view has room for";
        let first = StringViewArray::from(vec!["b", long, "", "b", "another long text, beside it"]);
        let second = StringViewArray::from(vec!["a third long text comes first", long, "b"]);
        let mut dictionary = Dictionary::default();
        let mut numbers = |texts: &StringViewArray| -> Vec<u32> {
            (0..texts.len())
                .map(|row| dictionary.number(texts.views()[row], || texts.value(row).as_bytes()))
                .collect()
        };
        assert_eq!(numbers(&first), [0, 1, 2, 0, 3]);
        assert_eq!(numbers(&second), [4, 1, 0]);
        assert_eq!(dictionary.len(), 5);
        assert_eq!(dictionary.value(1), long.as_bytes());
        assert_eq!(dictionary.value(2), b"");
    }
}
