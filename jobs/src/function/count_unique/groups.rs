//! Pairs of group and text, each counted once.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Int64Array, ListArray, StringViewArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::texts::Texts;

/// The type in which one stage of an aggregation hands its texts to the next.
pub(super) fn state_type() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true)))
}

/// Before the first sort; after it, the list is sorted whenever it has doubled.
const FIRST_SORT_PAIRS: usize = 1 << 16;

/// The different texts of each group.
///
/// A pair is a group in the high and a text's number in the low half of 64 bits. The list is sorted and free of repeats up
/// to `sorted`, and whatever came since stands behind.
#[derive(Debug, Default)]
pub(super) struct UniqueTexts {
    texts: Texts,
    pairs: Vec<u64>,
    sorted: usize,
    groups: usize,
}

impl UniqueTexts {
    /// Knows of groups whether or not they have texts.
    pub(super) fn see_groups(&mut self, groups: usize) {
        self.groups = self.groups.max(groups);
    }

    fn push(&mut self, group: usize, number: u32) {
        self.pairs.push((group as u64) << 32 | u64::from(number));
    }

    fn sort_if_doubled(&mut self) {
        if self.pairs.len() >= FIRST_SORT_PAIRS.max(2 * self.sorted) {
            self.sort();
        }
    }

    /// Sorts what is new into what is sorted, and drops repeats.
    fn sort(&mut self) {
        if self.sorted == self.pairs.len() {
            return;
        }
        self.pairs[self.sorted..].sort_unstable();
        if self.sorted > 0 {
            let (old, new) = self.pairs.split_at(self.sorted);
            self.pairs = merged(old, new);
        }
        self.pairs.dedup();
        self.sorted = self.pairs.len();
    }

    /// The pairs of the groups to emit, which are then forgotten, and the number of those groups.
    fn take(&mut self, emit_to: EmitTo) -> (Vec<u64>, usize) {
        self.sort();
        let emitted = match emit_to {
            EmitTo::All => self.groups,
            EmitTo::First(groups) => groups.min(self.groups),
        };
        let rest = if emitted == self.groups {
            Vec::new()
        } else {
            let from = self.pairs.partition_point(|pair| group_of(*pair) < emitted);
            let rest = self.pairs.split_off(from);
            rest.into_iter()
                .map(|pair| pair - ((emitted as u64) << 32))
                .collect()
        };
        self.groups -= emitted;
        self.sorted = rest.len();
        (std::mem::replace(&mut self.pairs, rest), emitted)
    }
}

fn group_of(pair: u64) -> usize {
    (pair >> 32) as usize
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half of a pair is the number"
)]
fn number_of(pair: u64) -> u32 {
    pair as u32
}

fn merged(left: &[u64], right: &[u64]) -> Vec<u64> {
    let mut all = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left, right);
    while let (Some((first, left_rest)), Some((second, right_rest))) =
        (left.split_first(), right.split_first())
    {
        if first <= second {
            all.push(*first);
            left = left_rest;
        } else {
            all.push(*second);
            right = right_rest;
        }
    }
    all.extend_from_slice(left);
    all.extend_from_slice(right);
    all
}

impl GroupsAccumulator for UniqueTexts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.see_groups(total_num_groups);
        let texts = values[0].as_string_view();
        for (row, group) in group_indices.iter().enumerate() {
            if counts(texts, opt_filter, row) {
                let number = self.texts.number(texts, row);
                self.push(*group, number);
            }
        }
        self.sort_if_doubled();
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (pairs, groups) = self.take(emit_to);
        let mut counts = vec![0_i64; groups];
        for pair in pairs {
            counts[group_of(pair)] += 1;
        }
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (pairs, groups) = self.take(emit_to);
        let mut lengths = vec![0; groups];
        for pair in &pairs {
            lengths[group_of(*pair)] += 1;
        }
        let texts = self.texts.array(pairs.into_iter().map(number_of))?;
        if self.pairs.is_empty() {
            // Memory is short when a state is emitted whole: the texts are kept by it, not here.
            self.texts = Texts::default();
        }
        Ok(vec![lists(lengths, texts)?])
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.see_groups(total_num_groups);
        let lists = values[0].as_list::<i32>();
        let texts = lists.values().as_string_view();
        for (row, group) in group_indices.iter().enumerate() {
            let bounds = &lists.value_offsets()[row..=row + 1];
            for at in bounds[0]..bounds[1] {
                let number = self.texts.number(texts, at.unsigned_abs() as usize);
                self.push(*group, number);
            }
            self.sort_if_doubled();
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let texts = values[0].as_string_view();
        let counted = (0..texts.len())
            .map(|row| counts(texts, opt_filter, row))
            .collect::<Vec<_>>();
        let lengths = counted
            .iter()
            .map(|counted| usize::from(*counted))
            .collect();
        let texts = arrow::compute::filter(texts, &BooleanArray::from(counted))?;
        Ok(vec![lists(lengths, texts)?])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.texts.size() + self.pairs.capacity() * size_of::<u64>()
    }
}

fn counts(texts: &StringViewArray, filter: Option<&BooleanArray>, row: usize) -> bool {
    texts.is_valid(row) && filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

/// One list a group.
fn lists(lengths: Vec<usize>, texts: ArrayRef) -> Result<ArrayRef> {
    let mut offsets = Vec::with_capacity(lengths.len() + 1);
    let mut end = 0_usize;
    offsets.push(0);
    for length in lengths {
        end += length;
        offsets.push(i32::try_from(end).ok().ok_or_else(|| {
            exec_datafusion_err!(
                "`count_unique` over more than {} texts at once: group by fewer rows",
                i32::MAX
            )
        })?);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let item = Arc::new(Field::new_list_field(DataType::Utf8View, true));
    Ok(Arc::new(ListArray::try_new(item, offsets, texts, None)?))
}
