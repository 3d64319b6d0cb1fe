//! One id for each different text of a session, shared by all threads and all aggregates.

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

/// The longest text that a view holds in itself.
const INLINE_BYTES: u32 = 12;

/// Ids end here; what is above is free for the texts that have none.
pub(super) const IDS_END: u32 = 1 << 31;

/// The share of a bounded pool that texts may take for their ids: the rest is for the groups that are counted.
const POOL_SHARE: usize = 4;

/// Room for so many texts to begin with.
const FIRST_SLOTS: usize = 1 << 12;

/// A session's ids: small, dense, from 0 on in the order in which texts were first seen.
///
/// With them a set of texts is a set of ids: four bytes each, or a bit. Looking up a known text takes no lock. A text
/// keeps its id as long as the session lasts, and once memory for another text is refused no text gets an id any
/// more: a text that went without one will never have one, so that no set holds it twice.
#[derive(Clone, Debug)]
pub(crate) struct TextDictionary(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Texts of up to twelve bytes, by their views, which are equal where the texts are.
    short: RwLock<Arc<HashTable<ViewSlot>>>,
    long: RwLock<HashMap<Box<[u8]>, u32>>,
    /// The next id.
    next: AtomicU32,
    /// No text gets an id any more.
    full: AtomicBool,
    growth: Mutex<Growth>,
}

#[derive(Debug)]
struct Growth {
    short_texts: usize,
    reservation: MemoryReservation,
    most_bytes: usize,
}

/// A view and the id of its text. It is written once, by the holder of the lock on growth; the id comes last.
///
/// Aligned, so that none lies across two lines of the processor's caches.
#[derive(Debug, Default)]
#[repr(align(32))]
struct ViewSlot {
    low: AtomicU64,
    high: AtomicU64,
    /// One more than the id; 0 in a free slot.
    id: AtomicU32,
}

impl TextDictionary {
    /// An empty one, whose memory a pool accounts for.
    pub(crate) fn new(pool: &Arc<dyn MemoryPool>) -> Self {
        let most_bytes = match pool.memory_limit() {
            MemoryLimit::Finite(bytes) => bytes / POOL_SHARE,
            MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
        };
        let growth = Growth {
            short_texts: 0,
            reservation: MemoryConsumer::new("ids of texts").register(pool),
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

    /// How many texts have ids.
    pub(super) fn texts(&self) -> u32 {
        self.0.next.load(Ordering::Relaxed)
    }

    /// What to look texts up with, for a batch.
    pub(super) fn reader(&self) -> Reader<'_> {
        // In this order: what is not in a table that was read after it was full will never be there.
        let full = self.0.full.load(Ordering::Acquire);
        let short = self.0.short.read().unwrap_or_else(PoisonError::into_inner);
        Reader {
            shared: &self.0,
            short: Arc::clone(&short),
            full,
        }
    }
}

/// Two are one only if they are the same.
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

/// Ids texts as they are when it is made, and asks again for those that it does not know.
pub(super) struct Reader<'a> {
    shared: &'a Shared,
    short: Arc<HashTable<ViewSlot>>,
    full: bool,
}

impl Reader<'_> {
    /// Prepares to id some texts: a few hundred at once stay near until they are asked for.
    pub(super) fn fetch(&self, views: &[u128]) {
        self.short.prefetch(views.iter().map(|view| hash(*view)));
    }

    /// The id of a row's text; none once memory is short.
    pub(super) fn id(&mut self, texts: &StringViewArray, row: usize) -> Option<u32> {
        let view = texts.views()[row];
        // The low four bytes of a view are its length.
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
            unreachable!("only the holder of the lock adds texts, and this one was not there");
        };
        let id = self.shared.take_next()?;
        growth.short_texts += 1;
        self.short.slot(free).set(view, id);
        Some(id)
    }

    /// Sees what others have done; called with the lock on growth.
    fn refresh(&mut self) {
        let short = self
            .shared
            .short
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        self.short = Arc::clone(&short);
        self.full = self.shared.full.load(Ordering::Acquire);
    }

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
        // The entry, its control byte and the free slots beside it; what the text itself takes, and the allocator for it.
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
    fn growth(&self) -> std::sync::MutexGuard<'_, Growth> {
        self.growth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called with the lock on growth.
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
    /// Sets bytes aside, or ends the dictionary.
    fn allow(&self, full: &AtomicBool, bytes: usize) -> bool {
        let within = self.reservation.size() + bytes <= self.most_bytes;
        let allowed = within && self.reservation.try_grow(bytes).is_ok();
        if !allowed {
            full.store(true, Ordering::Release);
        }
        allowed
    }

    fn release(&self, bytes: usize) {
        self.reservation.shrink(bytes.min(self.reservation.size()));
    }
}

/// The id of a view, or where it would stand.
fn find(table: &HashTable<ViewSlot>, view: u128) -> Probe<(u128, u32)> {
    table.probe(hash(view), |(known, _)| *known == view)
}

/// Whether so many texts would lie too close together: from six in eight on searches become long.
fn is_crowded(table: &HashTable<ViewSlot>, texts: usize) -> bool {
    texts * 8 > table.slots() * 6
}

impl ViewSlot {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two halves are what is stored"
    )]
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

/// Mixes the sixteen bytes of a view: a multiplication of 64 by 64 bits spreads every bit over both halves, which are
/// folded. Keys chosen to collide only make the choosing job slow.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the halves are what is mixed"
)]
fn hash(view: u128) -> u64 {
    const ODD: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    let (low, high) = (view as u64 ^ ODD[0], (view >> 64) as u64 ^ ODD[1]);
    let product = u128::from(low) * u128::from(high);
    product as u64 ^ (product >> 64) as u64
}
