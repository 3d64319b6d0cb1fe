//! Rows found by their key, of which no two are the same.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::compute::kernels::cmp::eq;
use arrow::compute::{and, take};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use hashbrown::HashTable;

/// Rows with a key of one or more columns.
pub(super) struct Lookup {
    rows: RecordBatch,
    keys: Vec<ArrayRef>,
    /// The hash of each key and its row; no hash is there twice.
    places: HashTable<(u64, u32)>,
    hashing: RandomState,
}

impl Lookup {
    /// The bytes that it takes for so many rows, beside the rows themselves.
    pub(super) fn bytes(rows: usize) -> usize {
        // A table is at most seven eighths full, a power of two large, and has a byte beside each place.
        (rows * 8 / 7 + 1).next_power_of_two() * (size_of::<(u64, u32)>() + 1)
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
        let whole = keys.iter().map(|key| key.logical_nulls());
        let whole = whole.fold(None, |all: Option<NullBuffer>, nulls| {
            NullBuffer::union(all.as_ref(), nulls.as_ref())
        });
        let mut places = HashTable::with_capacity(rows.num_rows());
        for (row, hash) in (0..).zip(hashes) {
            if whole
                .as_ref()
                .is_some_and(|whole| whole.is_null(row as usize))
            {
                continue;
            }
            let taken = |(other, _): &(u64, u32)| *other == hash;
            match places.entry(hash, taken, |(hash, _)| *hash) {
                hashbrown::hash_table::Entry::Occupied(_) => return Ok(None),
                hashbrown::hash_table::Entry::Vacant(free) => free.insert((hash, row)),
            };
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
        if self.places.is_empty() {
            return Ok(UInt32Array::new_null(count));
        }
        let mut hashes = vec![0; count];
        create_hashes(keys, &self.hashing, &mut hashes)?;
        let mut found = Vec::with_capacity(count);
        let known = BooleanBuffer::collect_bool(count, |at| {
            let hash = hashes[at];
            let place = self.places.find(hash, |(other, _)| *other == hash);
            found.push(place.map_or(0, |(_, row)| *row));
            place.is_some()
        });
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

/// A column of text with its bytes side by side: every batch that is made of it shares its buffers, the fewer the better.
fn compact(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => std::sync::Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => std::sync::Arc::new(column.as_binary_view().gc()),
        _ => std::sync::Arc::clone(column),
    }
}
