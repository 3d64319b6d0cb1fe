//! Texts by number: each different text has one, from 0 on.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray, make_view};
use arrow::buffer::{Buffer, ScalarBuffer};
use datafusion::common::Result;

/// The longest text that a view holds in itself.
const INLINE_BYTES: u32 = 12;

/// Longer texts lie in blocks of this size, so that a view's offset always fits.
const BLOCK_BYTES: usize = 1 << 20;

/// Different texts in the order in which they were first seen.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Short texts by their views, which are equal where the texts are.
    short: HashMap<u128, u32, BuildHasherDefault<ViewHasher>>,
    long: HashMap<Box<[u8]>, u32>,
    /// The view of each number.
    views: Vec<u128>,
    /// What the views of long texts point into.
    blocks: Vec<Vec<u8>>,
    long_bytes: usize,
}

impl Texts {
    /// The number of the text of a row.
    pub(super) fn number(&mut self, texts: &StringViewArray, row: usize) -> u32 {
        let view = texts.views()[row];
        // The low four bytes of a view are its length.
        let [a, b, c, d, ..] = view.to_le_bytes();
        if u32::from_le_bytes([a, b, c, d]) <= INLINE_BYTES {
            let next = next_number(&self.views);
            return *self.short.entry(view).or_insert_with(|| {
                self.views.push(view);
                next
            });
        }
        self.long_number(texts.value(row).as_bytes())
    }

    fn long_number(&mut self, text: &[u8]) -> u32 {
        if let Some(number) = self.long.get(text) {
            return *number;
        }
        let number = next_number(&self.views);
        if self
            .blocks
            .last()
            .is_none_or(|block| block.len() + text.len() > BLOCK_BYTES)
        {
            self.blocks
                .push(Vec::with_capacity(text.len().max(BLOCK_BYTES)));
        }
        let block_number =
            u32::try_from(self.blocks.len() - 1).expect("there are fewer blocks than texts");
        let block = self
            .blocks
            .last_mut()
            .expect("a block was just added where there was none");
        let offset =
            u32::try_from(block.len()).expect("a block is at most a mebibyte when a text is added");
        block.extend_from_slice(text);
        self.views.push(make_view(text, block_number, offset));
        self.long.insert(text.into(), number);
        // Once in its block, once as a key.
        self.long_bytes += 2 * text.len() + size_of::<(Box<[u8]>, u32)>();
        number
    }

    /// The texts of some numbers.
    pub(super) fn array(&self, numbers: impl Iterator<Item = u32>) -> Result<ArrayRef> {
        let views = numbers
            .map(|number| self.views[number as usize])
            .collect::<Vec<_>>();
        let blocks = self
            .blocks
            .iter()
            .map(|block| Buffer::from(block.as_slice()))
            .collect::<Vec<_>>();
        Ok(Arc::new(StringViewArray::try_new(
            ScalarBuffer::from(views),
            blocks,
            None,
        )?))
    }

    pub(super) fn size(&self) -> usize {
        // A map's slot holds the entry and a control byte; it is at most seven eighths full.
        self.short.capacity() * (size_of::<(u128, u32)>() + 1) * 8 / 7
            + self.views.capacity() * size_of::<u128>()
            + self.long_bytes
    }
}

fn next_number(views: &[u128]) -> u32 {
    u32::try_from(views.len()).expect("four billion different texts do not fit memory")
}

/// Mixes the sixteen bytes of a view; the map's own hasher, safe against chosen keys, takes several times as long, and keys
/// chosen to collide only make the choosing job slow.
#[derive(Default)]
pub(super) struct ViewHasher(u64);

impl Hasher for ViewHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u128(u128::from(*byte));
        }
    }

    fn write_u128(&mut self, view: u128) {
        // Multiplying 64 by 64 bits and folding the halves spreads every bit over the result.
        const ODD: [u128; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
        let low = fold((view & u128::from(u64::MAX)) * ODD[0]);
        let high = fold((view >> 64) * ODD[1]);
        self.0 = fold(u128::from(self.0 ^ low.rotate_left(32) ^ high) * ODD[0]);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves are what is folded"
)]
fn fold(product: u128) -> u64 {
    (product >> 64) as u64 ^ product as u64
}
