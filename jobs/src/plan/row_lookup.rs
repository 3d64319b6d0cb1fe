//! Lookup of rows by a unique key.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{and, take};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::hash_utils::{RandomState, create_hashes};

use crate::hash_table::{HashTable, PREFETCHED_KEYS, Probe, Slot};

/// Rows that can be looked up by their unique key, which has one or more columns.
pub(super) struct RowLookup {
    /// All rows in one batch; the index refers to them by row number.
    rows: RecordBatch,
    /// Values of the key columns, in the order of the rows.
    keys: Vec<ArrayRef>,
    /// Index from the hash of a key to the number of its row.
    index: KeyIndex,
    /// Random seed of the hashes, which index and searches must share.
    hashing: RandomState,
}

/// Index from the hash of each key to the number of its row. No two keys have the same hash.
struct KeyIndex(HashTable<KeySlot>);

/// Slot of the index: the hash of a key, and the number of the key's row.
struct KeySlot {
    /// Hash of the key.
    hash: u64,
    /// Number of the row from 0; [`NO_ROW`] in a free slot.
    row: u32,
}

/// Row number that means that there is no row.
const NO_ROW: u32 = u32::MAX;

/// Number of slots per row. So at most half of the slots are occupied, and searches for missing keys stay short.
const SLOTS_PER_ROW: usize = 2;

impl RowLookup {
    /// Returns the bytes that the lookup needs for a number of rows, in addition to the rows themselves.
    pub(super) fn bytes(rows: usize) -> usize {
        HashTable::<KeySlot>::bytes(SLOTS_PER_ROW * rows)
    }

    /// Builds the lookup of rows by their keys; `None` if a key occurs twice or two keys have the same hash. A row with
    /// NULL in its key is never found.
    ///
    /// # Errors
    /// `DataFusionError` if the type of a key column cannot be hashed.
    pub(super) fn new(rows: &RecordBatch, keys: &[ArrayRef]) -> Result<Option<Self>> {
        let hashing = RandomState::default();
        let mut hashes = vec![0; rows.num_rows()];
        create_hashes(keys, &hashing, &mut hashes)?;
        let whole = keys.iter().map(Array::logical_nulls);
        let whole = whole.fold(None, |all: Option<NullBuffer>, nulls| {
            NullBuffer::union(all.as_ref(), nulls.as_ref())
        });
        let mut index = KeyIndex::for_rows(rows.num_rows());
        for (row, hash) in (0..).zip(hashes) {
            if whole
                .as_ref()
                .is_some_and(|whole| whole.is_null(row as usize))
            {
                continue;
            }
            if !index.insert(hash, row) {
                return Ok(None);
            }
        }
        let columns = rows.columns().iter().map(compact).collect();
        Ok(Some(Self {
            rows: RecordBatch::try_new(rows.schema(), columns)?,
            keys: keys.iter().map(compact).collect(),
            index,
            hashing,
        }))
    }

    /// Returns, for each of `count` keys, the number of the row with that key; NULL if there is no such row.
    ///
    /// # Errors
    /// `DataFusionError` if the types of `keys` differ from those of the rows' key columns.
    pub(super) fn find(&self, keys: &[ArrayRef], count: usize) -> Result<UInt32Array> {
        if self.rows.num_rows() == 0 {
            return Ok(UInt32Array::new_null(count));
        }
        let mut hashes = vec![0; count];
        create_hashes(keys, &self.hashing, &mut hashes)?;
        let mut found = Vec::with_capacity(count);
        for hashes in hashes.chunks(PREFETCHED_KEYS) {
            self.index.0.prefetch(hashes.iter().copied());
            found.extend(hashes.iter().map(|hash| self.index.find(*hash)));
        }
        let known = BooleanBuffer::collect_bool(count, |at| found[at] != NO_ROW);
        for row in &mut found {
            *row = if *row == NO_ROW { 0 } else { *row };
        }
        let found = ScalarBuffer::from(found);
        // Different keys can have equal hashes, so the keys themselves are compared too.
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

    /// Returns a column's values in the rows that [`Self::find`] returned; NULL for each key without a row.
    ///
    /// # Errors
    /// `DataFusionError` if the values take more bytes than an array can hold.
    pub(super) fn column(&self, column: usize, found: &UInt32Array) -> Result<ArrayRef> {
        let column = self.rows.column(column);
        if found.null_count() == found.len() {
            return Ok(new_null_array(column.data_type(), found.len()));
        }
        Ok(take(column, found, None)?)
    }
}

impl KeyIndex {
    /// Builds an empty index for a number of rows.
    fn for_rows(rows: usize) -> Self {
        Self(HashTable::with_slots(SLOTS_PER_ROW * rows))
    }

    /// Adds a hash and the number of its row. Returns `false` if the index already has the hash.
    fn insert(&mut self, hash: u64, row: u32) -> bool {
        match self.0.probe(hash, |(known, _)| *known == hash) {
            Probe::Found(_) => false,
            Probe::Free(free) => {
                self.0.occupy(free, (hash, row));
                true
            }
        }
    }

    /// Returns the number of the row with a hash, [`NO_ROW`] if there is none.
    fn find(&self, hash: u64) -> u32 {
        match self.0.probe(hash, |(known, _)| *known == hash) {
            Probe::Found((_, row)) => row,
            Probe::Free(_) => NO_ROW,
        }
    }
}

impl Slot for KeySlot {
    type Entry = (u64, u32);

    fn free() -> Self {
        Self {
            hash: 0,
            row: NO_ROW,
        }
    }

    fn occupied((hash, row): Self::Entry) -> Self {
        Self { hash, row }
    }

    fn entry(&self) -> Option<Self::Entry> {
        (self.row != NO_ROW).then_some((self.hash, self.row))
    }

    fn touch(&self) -> u64 {
        u64::from(self.row)
    }
}

/// Copies the bytes of a text column into as few buffers as possible, because every batch that is built from the column
/// refers to all of its buffers.
fn compact(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => std::sync::Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => std::sync::Arc::new(column.as_binary_view().gc()),
        _ => std::sync::Arc::clone(column),
    }
}
