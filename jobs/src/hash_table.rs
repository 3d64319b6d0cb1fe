//! A hash table with open addressing whose lookups are prefetched batch by batch.
//!
//! In a table that is larger than the processor's caches, every lookup waits for main memory. [`HashTable::prefetch`]
//! first reads the slots in which the keys of a batch are searched. These reads do not depend on each other, so the
//! processor waits for all of them at the same time, and the lookups that follow find their slots in the cache. Without
//! it, each lookup would wait by itself.
//!
//! It is the one table for rows that are joined, for references and for texts with ids. The standard library's and
//! hashbrown's tables do not prefetch, and their entries cannot be read while another thread adds one.

use std::hint::black_box;

/// Number of keys that are worth prefetching together: enough to hide the wait, and few enough that their slots are
/// still cached when the last one is looked up.
pub const PREFETCHED_KEYS: usize = 128;

/// A place for one entry of a [`HashTable`].
pub trait Slot {
    /// Content of an occupied slot.
    type Entry;

    /// Returns a free slot.
    fn free() -> Self;

    /// Returns a slot that holds an entry.
    fn occupied(entry: Self::Entry) -> Self;

    /// Returns the entry, `None` if the slot is free.
    fn entry(&self) -> Option<Self::Entry>;

    /// Reads a part of the slot, whatever its value means, so that the processor loads it into its caches.
    fn touch(&self) -> u64;
}

/// Result of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe<E> {
    /// The entry that was searched for.
    Found(E),
    /// Index of the free slot in which the missing entry belongs.
    Free(usize),
}

/// Slots in a number that is a power of two; an entry is in the first slot from its hash on that was free.
///
/// The caller keeps entries distinct, knows their hashes, and calls [`Self::grown`] before the table is full: a search
/// for a missing entry ends at a free slot, so at least one must be left.
#[derive(Debug)]
pub struct HashTable<S> {
    /// All slots, free ones included.
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

    /// Returns the bytes that a table of at least `slots` slots takes.
    #[must_use]
    pub fn bytes(slots: usize) -> usize {
        slots.next_power_of_two() * size_of::<S>()
    }

    /// Returns the number of slots, free ones included.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// Searches for the entry of a hash that `is_match` accepts; the low bits of the hash say where to begin.
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

    /// Returns a slot, for entries that are written through a shared reference.
    #[must_use]
    pub fn slot(&self, index: usize) -> &S {
        &self.slots[index]
    }

    /// Loads the slots of some hashes into the processor's caches, up to [`PREFETCHED_KEYS`] of them at a time.
    #[inline]
    pub fn prefetch(&self, hashes: impl IntoIterator<Item = u64>) {
        let touched = hashes
            .into_iter()
            .map(|hash| self.slots[self.home(hash)].touch());
        // Without a use of what was read, the compiler would drop the reads.
        black_box(touched.fold(0, |all, word| all ^ word));
    }

    /// Builds a table of at least `slots` slots with the same entries.
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

    /// Returns the index at which the search for a hash begins.
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
