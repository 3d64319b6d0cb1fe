//! A hash table with open addressing whose lookups are prefetched batch by batch.
//!
//! In a table that is larger than the processor's caches, every lookup waits for main memory. [`HashTable::prefetch`]
//! first reads the slots at which the searches for a batch of keys begin. These reads do not depend on each other, so
//! the processor waits for all of them at the same time, and the lookups that follow find their slots in the cache.
//! Without the prefetch, the lookups would wait one after the other.
//!
//! Joins, checks of keys and references, and the ids of texts all use this table. The tables of the standard library
//! and hashbrown do not prefetch, and their entries cannot be read while another thread adds one.

use std::hint::black_box;

/// Number of keys that are prefetched together. It is large enough that their waits for main memory overlap, and small
/// enough that all their slots are still cached when the last key is looked up.
pub const PREFETCHED_KEYS: usize = 128;

/// A slot of a [`HashTable`], which is either free or holds one entry.
pub trait Slot {
    /// Content of an occupied slot.
    type Entry;

    /// Builds a slot without an entry.
    fn free() -> Self;

    /// Builds a slot that holds an entry.
    fn occupied(entry: Self::Entry) -> Self;

    /// Returns the entry, `None` if the slot is free.
    fn entry(&self) -> Option<Self::Entry>;

    /// Reads any field of the slot, so that the processor loads the slot into its caches. The returned value has no
    /// meaning.
    fn touch(&self) -> u64;
}

/// Result of [`HashTable::probe`]: the entry, or the slot in which the missing entry belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe<E> {
    /// The entry that was searched for.
    Found(E),
    /// Index of the free slot in which the missing entry belongs.
    Free(usize),
}

/// A hash table with linear probing: an entry is put into the first free slot at or after the one that its hash
/// selects. The number of slots is a power of two.
///
/// The caller computes the hashes, adds no entry twice, and calls [`Self::grown`] before the table is full. At least
/// one slot must stay free, because the search for a missing entry ends only at a free slot.
#[derive(Debug)]
pub struct HashTable<S> {
    /// Occupied and free slots; their number is a power of two.
    slots: Box<[S]>,
}

impl<S: Slot> HashTable<S> {
    /// Builds an empty table of at least `slots` slots.
    #[must_use]
    pub fn with_slots(slots: usize) -> Self {
        let slots = slots.next_power_of_two();
        Self {
            slots: std::iter::repeat_with(S::free).take(slots).collect(),
        }
    }

    /// Returns the memory in bytes of a table that [`Self::with_slots`] builds for `slots` slots.
    #[must_use]
    pub fn bytes(slots: usize) -> usize {
        slots.next_power_of_two() * size_of::<S>()
    }

    /// Returns the number of slots, both occupied and free.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Searches for the entry that `is_match` accepts, beginning at the slot that the low bits of the hash select.
    #[inline]
    pub fn probe(&self, hash: u64, is_match: impl Fn(&S::Entry) -> bool) -> Probe<S::Entry> {
        let mut index = self.home(hash);
        loop {
            match self.slots[index].entry() {
                None => return Probe::Free(index),
                Some(entry) if is_match(&entry) => return Probe::Found(entry),
                Some(_) => index = (index + 1) & (self.slots.len() - 1),
            }
        }
    }

    /// Puts an entry into the free slot that [`Self::probe`] returned for it.
    #[inline]
    pub fn occupy(&mut self, free: usize, entry: S::Entry) {
        self.slots[free] = S::occupied(entry);
    }

    /// Returns the slot at an index. If its fields are atomic, an entry can be written through this shared reference.
    #[must_use]
    pub fn slot(&self, index: usize) -> &S {
        &self.slots[index]
    }

    /// Loads into the processor's caches the slots at which the searches for `hashes` begin. The caller passes at most
    /// [`PREFETCHED_KEYS`] hashes.
    #[inline]
    pub fn prefetch(&self, hashes: impl IntoIterator<Item = u64>) {
        let touched = hashes
            .into_iter()
            .map(|hash| self.slots[self.home(hash)].touch());
        // The compiler would drop the reads if their result were not used.
        black_box(touched.fold(0, |all, word| all ^ word));
    }

    /// Builds a table of at least `slots` slots with the entries of this table. `hash` must return the hash with which
    /// an entry was added.
    #[must_use]
    pub fn grown(&self, slots: usize, hash: impl Fn(&S::Entry) -> u64) -> Self {
        let mut larger = Self::with_slots(slots);
        for entry in self.slots.iter().filter_map(Slot::entry) {
            if let Probe::Free(free) = larger.probe(hash(&entry), |_| false) {
                larger.occupy(free, entry);
            }
        }
        larger
    }

    /// Returns the index of the slot at which the search for a hash begins.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only the low bits of the hash are used"
    )]
    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number and twice its value; 0 is free.
    #[derive(Debug)]
    struct Doubled(u64, u64);

    impl Slot for Doubled {
        type Entry = (u64, u64);

        fn free() -> Self {
            Self(0, 0)
        }

        fn occupied((number, double): Self::Entry) -> Self {
            Self(number, double)
        }

        fn entry(&self) -> Option<Self::Entry> {
            (self.0 != 0).then_some((self.0, self.1))
        }

        fn touch(&self) -> u64 {
            self.0
        }
    }

    fn find(table: &HashTable<Doubled>, number: u64) -> Probe<(u64, u64)> {
        // Three numbers share each hash.
        table.probe(number / 3, |(known, _)| *known == number)
    }

    #[test]
    fn entries_are_found_after_collisions_and_growth() {
        let mut table = HashTable::with_slots(1);
        for number in 1..=1000 {
            let used = usize::try_from(number).unwrap();
            if used * 2 > table.slots() {
                table = table.grown(used * 2, |(number, _)| number / 3);
            }
            match find(&table, number) {
                Probe::Free(free) => table.occupy(free, (number, 2 * number)),
                Probe::Found(_) => panic!("{number} was not added yet"),
            }
        }
        table.prefetch((1..=1000).map(|number| number / 3));
        for number in 1..=1000 {
            assert_eq!(find(&table, number), Probe::Found((number, 2 * number)));
        }
        assert!(matches!(find(&table, 1001), Probe::Free(_)));
        assert_eq!(
            HashTable::<Doubled>::bytes(table.slots()),
            table.slots() * 16
        );
    }
}
