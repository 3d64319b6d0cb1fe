//! The texts that one aggregate ids for itself, because the session's ids have run out of memory.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::Arc;

use super::text_dictionary::IDS_END;

/// Different texts in the order in which they were first seen, by ids from [`IDS_END`] on.
#[derive(Debug, Default)]
pub(super) struct OverflowDictionary {
    ids: HashMap<Arc<[u8]>, u32>,
    in_order: Vec<Arc<[u8]>>,
    bytes: usize,
}

/// What an allocation takes beside its text: two counters of references, and the allocator's own.
const BYTES_BESIDE: usize = 4 * size_of::<usize>();

impl OverflowDictionary {
    /// The id of a text, which has a new one if it was not seen before.
    pub(super) fn id(&mut self, text: &[u8]) -> u32 {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = u32::try_from(self.in_order.len())
            .ok()
            .and_then(|id| id.checked_add(IDS_END))
            .expect("two billion different texts do not fit memory");
        let text: Arc<[u8]> = text.into();
        self.bytes += text.len() + BYTES_BESIDE;
        self.in_order.push(Arc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// The text of an id that was given here.
    pub(super) fn text(&self, id: u32) -> &[u8] {
        &self.in_order[(id - IDS_END) as usize]
    }

    pub(super) fn size(&self) -> usize {
        // A map's slot holds the entry and a control byte; it is at most seven eighths full.
        self.ids.capacity() * (size_of::<(Arc<[u8]>, u32)>() + 1) * 8 / 7
            + self.in_order.capacity() * size_of::<Arc<[u8]>>()
            + self.bytes
    }
}
