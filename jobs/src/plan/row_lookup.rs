//! Rows found by their key, of which no two are the same.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{and, take};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::hash_utils::{RandomState, create_hashes};

/// Keys that are looked up at once: their places are fetched side by side, and still near when each is looked at.
const AT_ONCE: usize = 128;

/// Rows with a key of one or more columns.
pub(super) struct RowLookup {
    rows: RecordBatch,
    keys: Vec<ArrayRef>,
    places: KeyIndex,
    hashing: RandomState,
}

/// The hash of each key and its row, in a table with open addressing of which at most half is used; no hash is there twice.
struct KeyIndex {
    slots: Vec<(u64, u32)>,
    mask: usize,
}

/// The row of a free slot.
const FREE: u32 = u32::MAX;

impl RowLookup {
    /// The bytes that it takes for so many rows, beside the rows themselves.
    pub(super) fn bytes(rows: usize) -> usize {
        KeyIndex::slots_for(rows) * size_of::<(u64, u32)>()
    }

    /// Over rows and their keys, a row without a whole key cannot be found; `None` where a key occurs twice, or two have
    /// the same hash.
    ///
    /// # Errors
    /// For a type that cannot be hashed.
    pub(super) fn new(rows: &RecordBatch, keys: &[ArrayRef]) -> Result<Option<Self>> {
        let hashing = RandomState::default();
        let mut hashes = vec![0; rows.num_rows()];
        create_hashes(keys, &hashing, &mut hashes)?;
        let whole = keys.iter().map(Array::logical_nulls);
        let whole = whole.fold(None, |all: Option<NullBuffer>, nulls| {
            NullBuffer::union(all.as_ref(), nulls.as_ref())
        });
        let mut places = KeyIndex::for_rows(rows.num_rows());
        for (row, hash) in (0..).zip(hashes) {
            if whole
                .as_ref()
                .is_some_and(|whole| whole.is_null(row as usize))
            {
                continue;
            }
            if !places.insert(hash, row) {
                return Ok(None);
            }
        }
        let columns = rows.columns().iter().map(compact).collect();
        Ok(Some(Self {
            rows: RecordBatch::try_new(rows.schema(), columns)?,
            keys: keys.iter().map(compact).collect(),
            places,
            hashing,
        }))
    }

    /// For each key the row that has it; null where none has.
    ///
    /// # Errors
    /// For keys of other types than its own.
    pub(super) fn find(&self, keys: &[ArrayRef], count: usize) -> Result<UInt32Array> {
        if self.rows.num_rows() == 0 {
            return Ok(UInt32Array::new_null(count));
        }
        let mut hashes = vec![0; count];
        create_hashes(keys, &self.hashing, &mut hashes)?;
        let mut found = Vec::with_capacity(count);
        for hashes in hashes.chunks(AT_ONCE) {
            self.places.fetch(hashes);
            found.extend(hashes.iter().map(|hash| self.places.find(*hash)));
        }
        let known = BooleanBuffer::collect_bool(count, |at| found[at] != FREE);
        for row in &mut found {
            *row = if *row == FREE { 0 } else { *row };
        }
        let found = ScalarBuffer::from(found);
        // An equal hash is no equal key.
        let candidates = UInt32Array::new(found.clone(), None);
        let mut same = None;
        for (key, of_row) in keys.iter().zip(&self.keys) {
            let equal = eq(key, &take(of_row, &candidates, None)?)?;
            same = Some(match same {
                None => equal,
                Some(same) => and(&same, &equal)?,
            });
        }
        let known = match &same {
            None => known,
            Some(same) => match same.nulls() {
                None => &known & same.values(),
                Some(nulls) => &(&known & same.values()) & nulls.inner(),
            },
        };
        let nulls = NullBuffer::new(known);
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        Ok(UInt32Array::new(found, nulls))
    }

    /// A column's values of the rows that were found.
    ///
    /// # Errors
    /// Where they would take more than an array may hold.
    pub(super) fn column(&self, column: usize, found: &UInt32Array) -> Result<ArrayRef> {
        let column = self.rows.column(column);
        if found.null_count() == found.len() {
            return Ok(new_null_array(column.data_type(), found.len()));
        }
        Ok(take(column, found, None)?)
    }
}

impl KeyIndex {
    fn slots_for(rows: usize) -> usize {
        (2 * rows).next_power_of_two()
    }

    fn for_rows(rows: usize) -> Self {
        let slots = Self::slots_for(rows);
        Self {
            slots: vec![(0, FREE); slots],
            mask: slots - 1,
        }
    }

    /// Whether the hash is new.
    fn insert(&mut self, hash: u64, row: u32) -> bool {
        let place = self.place(hash);
        let is_new = self.slots[place].1 == FREE;
        self.slots[place] = (hash, row);
        is_new
    }

    /// The row of a hash, [`FREE`] where there is none.
    fn find(&self, hash: u64) -> u32 {
        self.slots[self.place(hash)].1
    }

    /// Where a hash is or would be.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bits say where to begin"
    )]
    fn place(&self, hash: u64) -> usize {
        let mut place = hash as usize & self.mask;
        while self.slots[place].0 != hash && self.slots[place].1 != FREE {
            place = (place + 1) & self.mask;
        }
        place
    }

    /// Has the processor fetch where hashes are found, all at the same time: one after the other, each would be waited for.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low bits say where to begin"
    )]
    fn fetch(&self, hashes: &[u64]) {
        let rows = hashes
            .iter()
            .map(|hash| self.slots[*hash as usize & self.mask].1);
        std::hint::black_box(rows.fold(0, |all, row| all ^ row));
    }
}

/// A column of text with its bytes side by side: every batch that is made of it shares its buffers, the fewer the better.
fn compact(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => std::sync::Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => std::sync::Arc::new(column.as_binary_view().gc()),
        _ => std::sync::Arc::clone(column),
    }
}
