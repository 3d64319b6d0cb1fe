//! Accumulates the distinct texts of each group, as ids.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Int64Array, LargeBinaryArray,
    LargeBinaryBuilder, StringViewArray,
};
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use crate::hash_table::PREFETCHED_KEYS;

use super::bitmap::{self, Bitmap};
use super::encoded_set::{self, EncodedIds, EncodedSet};
use super::overflow_dictionary::OverflowDictionary;
use super::text_dictionary::{IDS_END, TextDictionary};

/// Number of pairs at which an accumulator sorts its pairs for the first time. The number for each later sort depends
/// on how many duplicates the previous sort removed.
const FIRST_SORT_PAIRS: usize = 1 << 12;

/// Id that marks a row that is not counted, because it is NULL or filtered out.
const UNCOUNTED: u32 = u32::MAX;

/// Value that the aggregate returns for each group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum UniqueResult {
    /// The number of distinct texts, for `count_unique`.
    Counts,
    /// The set of distinct texts, for `unique_set`.
    Sets,
}

/// Accumulator of the distinct texts of each group, as one set of ids per group.
///
/// A group with few ids is stored as pairs of 64 bits: the group in the high half, an id in the low half. The list of
/// pairs is sorted and free of duplicates up to `sorted`, and newer pairs follow. A group with many ids is stored as
/// one bit per id. Once all pairs are sorted, each id of a group is stored either as a pair or as a bit, never as both.
#[derive(Debug)]
pub(super) struct UniqueTextsAccumulator {
    /// Whether the aggregate returns counts or sets.
    result: UniqueResult,
    /// Maps texts to ids; shared by all aggregates of the session.
    dictionary: TextDictionary,
    /// Texts that got no id from the session's dictionary, for lack of memory.
    texts: OverflowDictionary,
    /// Pairs of group and id; see [`pair`].
    pairs: Vec<u64>,
    /// Number of pairs at the start of `pairs` that are sorted and free of duplicates.
    sorted: usize,
    /// Number of pairs at which the pairs are sorted next.
    sort_at: usize,
    /// Bits of each group, empty for a group stored as pairs. Groups after the last group with bits have no entry.
    bits: Vec<Bitmap>,
    /// Heap memory of all bits, in bytes.
    bits_bytes: usize,
    /// Number of groups, including groups without texts.
    groups: usize,
    /// Ids of the rows of the current batch. The buffer is reused for the next batch.
    ids: Vec<u32>,
}

impl UniqueTextsAccumulator {
    /// Builds an empty accumulator.
    pub(super) fn new(dictionary: TextDictionary, result: UniqueResult) -> Self {
        Self {
            result,
            dictionary,
            texts: OverflowDictionary::default(),
            pairs: Vec::new(),
            sorted: 0,
            sort_at: FIRST_SORT_PAIRS,
            bits: Vec::new(),
            bits_bytes: 0,
            groups: 0,
            ids: Vec::new(),
        }
    }

    /// Raises the number of groups to at least `groups`, including groups without texts.
    pub(super) fn add_groups(&mut self, groups: usize) {
        self.groups = self.groups.max(groups);
    }

    /// Adds an id to a group: as a bit if the group has bits, otherwise as a pair.
    fn insert(&mut self, group: usize, id: u32) {
        if let Some(bits) = self.bits.get_mut(group)
            && bits.is_used()
            && id < IDS_END
        {
            if bits.set(id) {
                return;
            }
            self.grow_bits(group, id);
            return;
        }
        self.pairs.push(pair(group, id));
    }

    /// Adds an id for which the bitmap of a group is too short. The bitmap grows up to the id, or becomes pairs again
    /// if the group has too few ids for so many bits.
    #[cold]
    fn grow_bits(&mut self, group: usize, id: u32) {
        let bits = &mut self.bits[group];
        self.bits_bytes -= bits.size();
        if bits.is_worth(id) {
            bits.reach(id);
            bits.set(id);
            self.bits_bytes += bits.size();
        } else {
            let bits = std::mem::take(bits);
            self.pairs.extend(bits.ids().map(|id| pair(group, id)));
            self.pairs.push(pair(group, id));
        }
    }

    /// Adds the ids and texts of a set to a group.
    fn insert_set(&mut self, group: usize, set: EncodedSet<'_>) {
        match set.ids {
            EncodedIds::Sparse(bytes) => {
                for id in encoded_set::ids_of(bytes) {
                    self.insert(group, id);
                }
            }
            EncodedIds::Dense(_) => {
                if self.bits.len() <= group {
                    self.bits.resize_with(group + 1, Bitmap::default);
                }
                let bits = &mut self.bits[group];
                if !bits.is_used() {
                    // The sorted pairs may include pairs of this group, which the next sort must turn into bits.
                    self.sorted = 0;
                }
                self.bits_bytes -= bits.size();
                bits.set_all(set.ids);
                self.bits_bytes += bits.size();
            }
        }
        for text in set.texts() {
            let id = self.texts.id(text);
            self.insert(group, id);
        }
        self.sort_if_due();
    }

    /// Adds each set of a column to the group of its row.
    fn insert_sets(
        &mut self,
        sets: &LargeBinaryArray,
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
    ) -> Result<()> {
        for (row, group) in group_indices.iter().enumerate() {
            if sets.is_valid(row) && passes(filter, row) {
                self.insert_set(*group, EncodedSet::read(sets.value(row))?);
            }
        }
        Ok(())
    }

    /// Adds each text of a column to the group of its row.
    fn insert_texts(
        &mut self,
        texts: &StringViewArray,
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
    ) {
        let mut ids = std::mem::take(&mut self.ids);
        ids.clear();
        let mut reader = self.dictionary.reader();
        let own = &mut self.texts;
        let mut id = |row: usize| {
            if row.is_multiple_of(PREFETCHED_KEYS) {
                reader.prefetch(&texts.views()[row..texts.len().min(row + PREFETCHED_KEYS)]);
            }
            reader
                .id(texts, row)
                .unwrap_or_else(|| own.id(texts.value(row).as_bytes()))
        };
        if texts.null_count() == 0 && filter.is_none() {
            ids.extend((0..texts.len()).map(id));
        } else {
            ids.extend((0..texts.len()).map(|row| {
                if texts.is_valid(row) && passes(filter, row) {
                    id(row)
                } else {
                    UNCOUNTED
                }
            }));
        }
        drop(reader);
        for (group, id) in group_indices.iter().zip(&ids) {
            if *id != UNCOUNTED {
                self.insert(*group, *id);
            }
        }
        self.ids = ids;
        self.sort_if_due();
    }

    /// Sorts the pairs if their number has reached `sort_at`, and then sets `sort_at` for the next sort.
    fn sort_if_due(&mut self) {
        if self.pairs.len() >= self.sort_at {
            let before = self.pairs.len();
            self.sort();
            let saved = before - self.pairs.len();
            let next = self.pairs.len() * if saved * 4 >= before { 2 } else { 4 };
            self.sort_at = next.max(FIRST_SORT_PAIRS);
        }
    }

    /// Merges the new pairs into the sorted ones, removes duplicates, and turns the pairs of large groups into bits.
    fn sort(&mut self) {
        if self.sorted == self.pairs.len() {
            return;
        }
        radsort::sort(&mut self.pairs[self.sorted..]);
        #[expect(
            clippy::stable_sort_primitive,
            reason = "this sort finds the two sorted runs and merges them"
        )]
        self.pairs.sort();
        self.pairs.dedup();
        let min_ids = bitmap::min_ids(self.dictionary.texts());
        let (mut at, mut kept) = (0, 0);
        while at < self.pairs.len() {
            let end = end_of_group(&self.pairs, at);
            let group = group_of(self.pairs[at]);
            let has_bits = self.bits.get(group).is_some_and(Bitmap::is_used);
            if has_bits || end - at >= min_ids {
                at = self.ids_to_bits(at, end);
            }
            self.pairs.copy_within(at..end, kept);
            kept += end - at;
            at = end;
        }
        self.pairs.truncate(kept);
        self.sorted = kept;
    }

    /// Turns the pairs `from..to`, which are those of one group, into bits. Pairs with an id of the overflow dictionary
    /// remain; returns the index of the first of them, or `to`.
    fn ids_to_bits(&mut self, from: usize, to: usize) -> usize {
        let group = group_of(self.pairs[from]);
        let own = from + self.pairs[from..to].partition_point(|pair| id_of(*pair) < IDS_END);
        if own > from {
            let last = id_of(self.pairs[own - 1]);
            if self.bits.len() <= group {
                self.bits.resize_with(group + 1, Bitmap::default);
            }
            let bits = &mut self.bits[group];
            self.bits_bytes -= bits.size();
            bits.reach(last);
            for pair in &self.pairs[from..own] {
                bits.set(id_of(*pair));
            }
            self.bits_bytes += bits.size();
        }
        own
    }

    /// Removes the groups to emit, and returns their pairs and bits. The remaining groups are renumbered from 0.
    fn take(&mut self, emit_to: EmitTo) -> Emitted {
        self.sort();
        let groups = match emit_to {
            EmitTo::All => self.groups,
            EmitTo::First(groups) => groups.min(self.groups),
        };
        let rest = if groups == self.groups {
            Vec::new()
        } else {
            let from = self.pairs.partition_point(|pair| group_of(*pair) < groups);
            let rest = self.pairs.split_off(from);
            rest.into_iter()
                .map(|pair| pair - ((groups as u64) << 32))
                .collect()
        };
        let later_bits = self.bits.split_off(groups.min(self.bits.len()));
        let emitted = Emitted {
            groups,
            bits: std::mem::replace(&mut self.bits, later_bits),
            pairs: std::mem::replace(&mut self.pairs, rest),
        };
        self.groups -= groups;
        self.sorted = self.pairs.len();
        self.sort_at = FIRST_SORT_PAIRS.max(2 * self.sorted);
        self.bits_bytes = self.bits.iter().map(Bitmap::size).sum();
        emitted
    }

    /// Removes the groups to emit, and returns their sets as bytes.
    fn sets(&mut self, emit_to: EmitTo) -> ArrayRef {
        let emitted = self.take(emit_to);
        let bytes =
            emitted.pairs.len() * size_of::<u32>() + emitted.groups * encoded_set::EMPTY.len();
        let mut sets = LargeBinaryBuilder::with_capacity(emitted.groups, bytes);
        let (mut one, mut ids) = (Vec::new(), Vec::new());
        emitted.for_each_group(|pairs, bits| {
            one.clear();
            let own = pairs.partition_point(|pair| id_of(*pair) < IDS_END);
            if bits.is_used() {
                encoded_set::write_words(bits.words(), &mut one);
            } else {
                ids.clear();
                ids.extend(pairs[..own].iter().map(|pair| id_of(*pair)));
                encoded_set::write_ids(&ids, &mut one);
            }
            for pair in &pairs[own..] {
                encoded_set::write_text(self.texts.text(id_of(*pair)), &mut one);
            }
            sets.append_value(&one);
        });
        self.forget_texts();
        Arc::new(sets.finish())
    }

    /// Removes the texts that no remaining group contains from the overflow dictionary, once they are more than half of
    /// it. Otherwise they would accumulate, because groups are emitted a few at a time when memory is short.
    fn forget_texts(&mut self) {
        let own = |pair: &&mut u64| id_of(**pair) >= IDS_END;
        let most = self.pairs.iter_mut().filter(own).count();
        if self.texts.len() <= 2 * most {
            return;
        }
        let mut texts = OverflowDictionary::default();
        for one in self.pairs.iter_mut().filter(own) {
            let id = texts.id(self.texts.text(id_of(*one)));
            *one = pair(group_of(*one), id);
        }
        self.texts = texts;
        self.sorted = 0;
    }
}

/// Groups that were removed from the accumulator, with the ids of their texts.
struct Emitted {
    /// Number of emitted groups.
    groups: usize,
    /// Pairs of group and id, sorted and without duplicates.
    pairs: Vec<u64>,
    /// Bits of each group. Groups after the last group with bits have no entry.
    bits: Vec<Bitmap>,
}

impl Emitted {
    /// Calls a function with the pairs and bits of each group, in the order of the groups. Both are empty for a group
    /// without texts.
    fn for_each_group(&self, mut each: impl FnMut(&[u64], &Bitmap)) {
        let none = Bitmap::default();
        let mut at = 0;
        for group in 0..self.groups {
            let mine = self
                .pairs
                .get(at)
                .is_some_and(|pair| group_of(*pair) == group);
            let end = if mine {
                end_of_group(&self.pairs, at)
            } else {
                at
            };
            each(&self.pairs[at..end], self.bits.get(group).unwrap_or(&none));
            at = end;
        }
    }
}

/// Packs a group into the high half and an id into the low half of a pair.
fn pair(group: usize, id: u32) -> u64 {
    (group as u64) << 32 | u64::from(id)
}

/// Returns the group of a pair, which is its high half.
fn group_of(pair: u64) -> usize {
    (pair >> 32) as usize
}

/// Returns the id of a pair, which is its low half.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half of a pair is the id"
)]
fn id_of(pair: u64) -> u32 {
    pair as u32
}

/// Returns the index after the last pair of the group to which the pair at index `at` belongs.
fn end_of_group(pairs: &[u64], at: usize) -> usize {
    let group = group_of(pairs[at]);
    let others = pairs[at..].iter().position(|pair| group_of(*pair) != group);
    others.map_or(pairs.len(), |length| at + length)
}

/// `true` if a row passes the filter of the aggregate, or if there is no filter.
fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for UniqueTextsAccumulator {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.add_groups(total_num_groups);
        if let Some(sets) = values[0].as_binary_opt::<i64>() {
            return self.insert_sets(sets, group_indices, opt_filter);
        }
        self.insert_texts(values[0].as_string_view(), group_indices, opt_filter);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        if self.result == UniqueResult::Sets {
            return Ok(self.sets(emit_to));
        }
        let emitted = self.take(emit_to);
        self.forget_texts();
        let mut counts = Vec::with_capacity(emitted.groups);
        emitted.for_each_group(|pairs, bits| {
            let count = pairs.len() + bits.count();
            counts.push(i64::try_from(count).expect("the number of ids in memory fits 63 bits"));
        });
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.sets(emit_to)])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.add_groups(total_num_groups);
        self.insert_sets(values[0].as_binary::<i64>(), group_indices, None)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = (0..values[0].len()).collect::<Vec<_>>();
        let mut apart = Self::new(self.dictionary.clone(), UniqueResult::Sets);
        apart.update_batch(values, &rows, opt_filter, rows.len())?;
        apart.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of::<Self>()
            + self.texts.size()
            // The memory for sorting the new pairs is counted before it is allocated.
            + (self.pairs.capacity() + self.pairs.len() - self.sorted) * size_of::<u64>()
            + self.bits.capacity() * size_of::<Bitmap>()
            + self.bits_bytes
            + self.ids.capacity() * size_of::<u32>()
    }
}
