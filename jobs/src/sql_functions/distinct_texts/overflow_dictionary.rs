//! The dictionary of one accumulator, for the texts that got no id from the session's dictionary for lack of memory.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::Arc;

use super::text_dictionary::IDS_END;

/// Distinct texts in the order in which they were first seen, with ids from [`IDS_END`] on.
#[derive(Debug, Default)]
pub(super) struct OverflowDictionary {
    /// Id of each text.
    ids: HashMap<Arc<[u8]>, u32>,
    /// Texts in the order of their ids.
    in_order: Vec<Arc<[u8]>>,
    /// Heap memory of the texts in bytes, without the map and the list that refer to them.
    bytes: usize,
}

/// Memory in bytes that each text takes in addition to its own bytes: two reference counters, and the allocator's data.
const BYTES_BESIDE: usize = 4 * size_of::<usize>();

impl OverflowDictionary {
    /// Returns the id of a text. A new text gets the next id.
    pub(super) fn id(&mut self, text: &[u8]) -> u32 {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = u32::try_from(self.in_order.len())
            .ok()
            .and_then(|id| id.checked_add(IDS_END))
            .expect("two billion distinct texts do not fit into memory");
        let text: Arc<[u8]> = text.into();
        self.bytes += text.len() + BYTES_BESIDE;
        self.in_order.push(Arc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    /// Returns the number of texts.
    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// Returns the text to which this dictionary gave an id.
    pub(super) fn text(&self, id: u32) -> &[u8] {
        &self.in_order[(id - IDS_END) as usize]
    }

    /// Returns the heap memory of the dictionary in bytes.
    pub(super) fn size(&self) -> usize {
        // A slot of the map consists of the entry and a control byte, and at most seven eighths of the slots are used.
        self.ids.capacity() * (size_of::<(Arc<[u8]>, u32)>() + 1) * 8 / 7
            + self.in_order.capacity() * size_of::<Arc<[u8]>>()
            + self.bytes
    }
}
