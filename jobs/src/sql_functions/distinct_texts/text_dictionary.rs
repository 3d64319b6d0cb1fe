//! The dictionary of a session: one id per distinct text, shared by all threads and all aggregates.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::mem::size_of;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use arrow::array::StringViewArray;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

use crate::hash_table::{HashTable, Probe, Slot};

/// Maximum length in bytes of a text that Arrow stores within the text's view.
const INLINE_BYTES: u32 = 12;

/// Exclusive upper limit of the ids. An overflow dictionary numbers its texts from this limit on.
pub(super) const IDS_END: u32 = 1 << 31;

/// Divisor of the memory pool's limit: the dictionary may reserve a quarter of it. The rest is for the groups of
/// aggregates.
const POOL_SHARE: usize = 4;

/// Number of slots that the dictionary allocates for the first short text.
const FIRST_SLOTS: usize = 1 << 12;

/// The dictionary that maps texts to ids, shared by all aggregates of a session. Ids are consecutive numbers from 0 on,
/// in the order in which the texts were first seen.
///
/// With it, a set of texts is a set of ids, of four bytes or one bit each. Looking up a known short text takes no lock.
/// A text keeps its id as long as the session lasts. Once memory for a new text is refused, no further text gets an id.
/// So a text that was added to a set without an id never gets one later, and no set holds a text twice.
#[derive(Clone, Debug)]
pub(crate) struct TextDictionary(Arc<Shared>);

/// State of the dictionary, which all threads share.
#[derive(Debug)]
struct Shared {
    /// Ids of texts of up to twelve bytes, by their views, which are equal if the texts are.
    short: RwLock<Arc<HashTable<ViewSlot>>>,
    /// Ids of longer texts.
    long: RwLock<HashMap<Box<[u8]>, u32>>,
    /// Id of the next new text, which is also the number of texts with an id.
    next: AtomicU32,
    /// `true` once memory for a new text was refused, so that no further text gets an id.
    full: AtomicBool,
    /// Lock that a thread holds while it adds a text, with the state that only this thread uses.
    growth: Mutex<Growth>,
}

/// State that only a thread with the lock for adding a text may use.
#[derive(Debug)]
struct Growth {
    /// Number of texts of up to twelve bytes.
    short_texts: usize,
    /// Memory reserved for all texts and their ids.
    reservation: MemoryReservation,
    /// Limit of `reservation` in bytes.
    most_bytes: usize,
}

/// Slot of the table of short texts: a view, and the id of its text. Only the holder of the lock on growth writes a
/// slot, once and with the id last. So a reader that sees the id sees the whole view.
///
/// The alignment keeps each slot within one cache line.
#[derive(Debug, Default)]
#[repr(align(32))]
struct ViewSlot {
    /// Low 64 bits of the view.
    low: AtomicU64,
    /// High 64 bits of the view.
    high: AtomicU64,
    /// Id of the text plus one; 0 in a free slot.
    id: AtomicU32,
}

impl TextDictionary {
    /// Builds an empty dictionary whose memory is reserved from a pool.
    pub(crate) fn new(pool: &Arc<dyn MemoryPool>) -> Self {
        let most_bytes = match pool.memory_limit() {
            MemoryLimit::Finite(bytes) => bytes / POOL_SHARE,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        };
        let growth = Growth {
            short_texts: 0,
            reservation: MemoryConsumer::new("dictionary of `count_unique` and `unique_set`")
                .register(pool),
            most_bytes,
        };
        Self(Arc::new(Shared {
            short: RwLock::new(Arc::new(HashTable::with_slots(1))),
            long: RwLock::default(),
            next: AtomicU32::new(0),
            full: AtomicBool::new(false),
            growth: Mutex::new(growth),
        }))
    }

    /// Returns the number of texts with an id.
    pub(super) fn texts(&self) -> u32 {
        self.0.next.load(Ordering::Relaxed)
    }

    /// Returns a reader for one batch, with a snapshot of the short texts.
    pub(super) fn reader(&self) -> DictionaryReader<'_> {
        // `full` is read before the table. If the dictionary was already full, a text that is missing in the table will
        // never be added.
        let full = self.0.full.load(Ordering::Acquire);
        let short = self.0.short.read().unwrap_or_else(PoisonError::into_inner);
        DictionaryReader {
            shared: &self.0,
            short: Arc::clone(&short),
            full,
        }
    }
}

/// Compares by identity: only clones of one dictionary are equal.
impl PartialEq for TextDictionary {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TextDictionary {}

impl Hash for TextDictionary {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// Reader of the dictionary. It looks up short texts in a snapshot, and in the current state if they are missing in the
/// snapshot.
pub(super) struct DictionaryReader<'a> {
    /// State of the dictionary, for texts that the snapshot does not have.
    shared: &'a Shared,
    /// Snapshot of the ids of short texts.
    short: Arc<HashTable<ViewSlot>>,
    /// `true` if no further text gets an id. The snapshot then contains every short text that has one.
    full: bool,
}

impl DictionaryReader<'_> {
    /// Loads the slots of short texts into the processor's caches, as [`HashTable::prefetch`] does.
    pub(super) fn prefetch(&self, views: &[u128]) {
        self.short.prefetch(views.iter().map(|view| hash(*view)));
    }

    /// Returns the id of a row's text. A new text is added; `None` if there is no memory for it.
    pub(super) fn id(&mut self, texts: &StringViewArray, row: usize) -> Option<u32> {
        let view = texts.views()[row];
        // The low four bytes of a view are the length of the text.
        let [a, b, c, d, ..] = view.to_le_bytes();
        if u32::from_le_bytes([a, b, c, d]) > INLINE_BYTES {
            return self.long_id(texts.value(row).as_bytes());
        }
        match find(&self.short, view) {
            Probe::Found((_, id)) => Some(id),
            Probe::Free(_) if self.full => None,
            Probe::Free(_) => self.new_short(view),
        }
    }

    /// Returns the id of a short text that is missing in the snapshot. The text is added unless another thread has
    /// added it; `None` if there is no memory for it.
    #[cold]
    fn new_short(&mut self, view: u128) -> Option<u32> {
        let mut growth = self.shared.growth();
        self.refresh();
        if let Probe::Found((_, id)) = find(&self.short, view) {
            return Some(id);
        }
        if self.full {
            return None;
        }
        if is_crowded(&self.short, growth.short_texts + 1) {
            let slots = (2 * self.short.slots()).max(FIRST_SLOTS);
            if !growth.allow(&self.shared.full, HashTable::<ViewSlot>::bytes(slots)) {
                self.full = true;
                return None;
            }
            let released = HashTable::<ViewSlot>::bytes(self.short.slots());
            let larger = Arc::new(self.short.grown(slots, |(view, _)| hash(*view)));
            let mut current = self
                .shared
                .short
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *current = Arc::clone(&larger);
            self.short = larger;
            growth.release(released);
        }
        let Probe::Free(free) = find(&self.short, view) else {
            unreachable!(
                "only the holder of the lock adds texts, and this text was missing under the lock"
            );
        };
        let id = self.shared.take_next()?;
        growth.short_texts += 1;
        self.short.slot(free).set(view, id);
        Some(id)
    }

    /// Replaces the snapshot with the current state. The caller holds the lock on growth.
    fn refresh(&mut self) {
        let short = self
            .shared
            .short
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        self.short = Arc::clone(&short);
        self.full = self.shared.full.load(Ordering::Acquire);
    }

    /// Returns the id of a text of more than twelve bytes. A new text is added; `None` if there is no memory for it.
    fn long_id(&mut self, text: &[u8]) -> Option<u32> {
        let known = self
            .shared
            .long
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known.get(text) {
            return Some(*id);
        }
        drop(known);
        if self.full {
            return None;
        }
        let growth = self.shared.growth();
        self.refresh();
        let mut known = self
            .shared
            .long
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = known.get(text) {
            return Some(*id);
        }
        // Twice the size of an entry and its control byte, because the map also has free slots; then the text itself,
        // and the allocator's data for the text.
        let bytes = 2 * (size_of::<(Box<[u8]>, u32)>() + 1) + text.len() + size_of::<usize>();
        if self.full || !growth.allow(&self.shared.full, bytes) {
            self.full = true;
            return None;
        }
        let id = self.shared.take_next()?;
        known.insert(text.into(), id);
        Some(id)
    }
}

impl Shared {
    /// Waits for the lock that a thread must hold to add a text.
    fn growth(&self) -> std::sync::MutexGuard<'_, Growth> {
        self.growth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the next unused id, `None` if all are used. The caller holds the lock on growth.
    fn take_next(&self) -> Option<u32> {
        let id = self.next.load(Ordering::Relaxed);
        if id == IDS_END {
            self.full.store(true, Ordering::Release);
            return None;
        }
        self.next.store(id + 1, Ordering::Relaxed);
        Some(id)
    }
}

impl Growth {
    /// Reserves bytes. Returns `false` if the dictionary's limit or the memory pool refuses them; from then on, no
    /// further text gets an id.
    fn allow(&self, full: &AtomicBool, bytes: usize) -> bool {
        let within = self.reservation.size() + bytes <= self.most_bytes;
        let allowed = within && self.reservation.try_grow(bytes).is_ok();
        if !allowed {
            full.store(true, Ordering::Release);
        }
        allowed
    }

    /// Returns reserved bytes to the memory pool.
    fn release(&self, bytes: usize) {
        self.reservation.shrink(bytes.min(self.reservation.size()));
    }
}

/// Searches a table for the id of a short text, by its view.
fn find(table: &HashTable<ViewSlot>, view: u128) -> Probe<(u128, u32)> {
    table.probe(hash(view), |(known, _)| *known == view)
}

/// `true` if a table is too small for a number of texts: searches take long once more than six in eight slots are used.
fn is_crowded(table: &HashTable<ViewSlot>, texts: usize) -> bool {
    texts * 8 > table.slots() * 6
}

impl ViewSlot {
    /// Writes a view and its id into the slot, the id last.
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are stored")]
    fn set(&self, view: u128, id: u32) {
        self.low.store(view as u64, Ordering::Relaxed);
        self.high.store((view >> 64) as u64, Ordering::Relaxed);
        self.id.store(id + 1, Ordering::Release);
    }
}

impl Slot for ViewSlot {
    type Entry = (u128, u32);

    fn free() -> Self {
        Self::default()
    }

    fn occupied((view, id): Self::Entry) -> Self {
        let slot = Self::default();
        slot.set(view, id);
        slot
    }

    fn entry(&self) -> Option<Self::Entry> {
        let id = self.id.load(Ordering::Acquire).checked_sub(1)?;
        let low = self.low.load(Ordering::Relaxed);
        let high = self.high.load(Ordering::Relaxed);
        Some((u128::from(high) << 64 | u128::from(low), id))
    }

    fn touch(&self) -> u64 {
        u64::from(self.id.load(Ordering::Relaxed))
    }
}

/// Hashes the sixteen bytes of a view: a multiplication of 64 by 64 bits spreads each bit over both halves of the
/// product, which are then combined. Texts that are chosen to collide slow down only the job that reads them.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves are combined"
)]
fn hash(view: u128) -> u64 {
    const ODD: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    let (low, high) = (view as u64 ^ ODD[0], (view >> 64) as u64 ^ ODD[1]);
    let product = u128::from(low) * u128::from(high);
    product as u64 ^ (product >> 64) as u64
}
