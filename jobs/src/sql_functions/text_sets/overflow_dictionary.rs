//! The texts that one aggregate numbers for itself, because the session's numbers have run out of memory.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::Arc;

use super::text_dictionary::NUMBERS_END;

/// Different texts in the order in which they were first seen, by numbers from [`NUMBERS_END`] on.
#[derive(Debug, Default)]
pub(super) struct OverflowDictionary {
    numbers: HashMap<Arc<[u8]>, u32>,
    in_order: Vec<Arc<[u8]>>,
    bytes: usize,
}

/// What an allocation takes beside its text: two counters of references, and the allocator's own.
const BYTES_BESIDE: usize = 4 * size_of::<usize>();

impl OverflowDictionary {
    /// The number of a text, which has a new one if it was not seen before.
    pub(super) fn number(&mut self, text: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.in_order.len())
            .ok()
            .and_then(|number| number.checked_add(NUMBERS_END))
            .expect("two billion different texts do not fit memory");
        let text: Arc<[u8]> = text.into();
        self.bytes += text.len() + BYTES_BESIDE;
        self.in_order.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// The text of a number that was given here.
    pub(super) fn text(&self, number: u32) -> &[u8] {
        &self.in_order[(number - NUMBERS_END) as usize]
    }

    pub(super) fn size(&self) -> usize {
        // A map's slot holds the entry and a control byte; it is at most seven eighths full.
        self.numbers.capacity() * (size_of::<(Arc<[u8]>, u32)>() + 1) * 8 / 7
            + self.in_order.capacity() * size_of::<Arc<[u8]>>()
            + self.bytes
    }
}
