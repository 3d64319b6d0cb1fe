//! The page of a column that is being filled.

use std::ops::Range;

use arrow::array::Array;

use crate::sink::parquet::column::dictionary::Dictionary;
use crate::sink::parquet::column::kind::ColumnKind;

/// A page ends with this many rows, or with as many bytes as the next line says: what parquet's writer does.
pub(crate) const PAGE_ROWS: usize = 20_000;
pub(crate) const PAGE_BYTES: usize = 1 << 20;

/// The page that is being filled.
pub(crate) struct Page<K: ColumnKind> {
    pub(crate) rows: usize,
    pub(crate) nulls: usize,
    /// 1 for a value, 0 for NULL; empty while there is no NULL.
    pub(crate) levels: Vec<u32>,
    /// Values by their numbers in the dictionary.
    pub(crate) numbers: Vec<u32>,
    /// Values that are written out.
    pub(crate) plain: Vec<u8>,
    /// The bounds of values that are written out.
    pub(crate) bounds: Option<K::Bounds>,
    pub(crate) text_bytes: u64,
}

impl<K: ColumnKind> Page<K> {
    /// A page without rows.
    pub(crate) fn new() -> Self {
        Self {
            rows: 0,
            nulls: 0,
            levels: Vec::new(),
            numbers: Vec::new(),
            plain: Vec::new(),
            bounds: None,
            text_bytes: 0,
        }
    }

    /// Adds values by their numbers until the dictionary is full; where it ended is returned.
    pub(crate) fn add_numbered(
        &mut self,
        kind: &K,
        array: &K::Array,
        rows: Range<usize>,
        dictionary: &mut Dictionary<K::Key>,
    ) -> usize {
        self.numbers.reserve(rows.len());
        for row in rows.clone() {
            if array.is_null(row) {
                continue;
            }
            self.text_bytes += kind.text_bytes(array, row);
            let append = |plain: &mut Vec<u8>| _ = kind.append(array, row, plain);
            let number = dictionary.number(kind.key(array, row), append);
            self.numbers.push(number);
            if dictionary.is_full() {
                return row + 1;
            }
        }
        rows.end
    }

    /// Adds values until there are enough bytes; where it ended is returned.
    pub(crate) fn add_plain(&mut self, kind: &K, array: &K::Array, rows: Range<usize>) -> usize {
        for row in rows.clone() {
            if array.is_null(row) {
                continue;
            }
            let start = self.plain.len();
            self.text_bytes += kind.append(array, row, &mut self.plain);
            kind.bound(&self.plain[start..], &mut self.bounds);
            if self.plain.len() >= PAGE_BYTES {
                return row + 1;
            }
        }
        rows.end
    }

    /// Says of rows that were added which of them hold a value.
    pub(crate) fn add_levels(&mut self, array: &K::Array, rows: Range<usize>) {
        let added = rows.len();
        if array.null_count() > 0 {
            if self.levels.is_empty() {
                self.levels.resize(self.rows, 1);
            }
            let levels = rows.map(|row| u32::from(array.is_valid(row)));
            self.levels.extend(levels);
            let values = self.levels[self.rows..].iter().sum::<u32>();
            self.nulls += added - values as usize;
        } else if !self.levels.is_empty() {
            self.levels.resize(self.rows + added, 1);
        }
        self.rows += added;
    }

    /// The bounds of the values that the page names.
    pub(crate) fn named_bounds(
        &self,
        kind: &K,
        dictionary: &Dictionary<K::Key>,
    ) -> Option<K::Bounds> {
        let mut is_named = vec![false; dictionary.len()];
        for number in &self.numbers {
            is_named[*number as usize] = true;
        }
        let mut bounds = None;
        for (number, is_named) in is_named.into_iter().enumerate() {
            if is_named {
                kind.bound(dictionary.value(number), &mut bounds);
            }
        }
        bounds
    }

    /// Bytes that it holds.
    pub(crate) fn bytes(&self) -> usize {
        (self.numbers.len() + self.levels.len()) * size_of::<u32>() + self.plain.len()
    }

    /// Empties it, and keeps its memory for the next.
    pub(crate) fn clear(&mut self) {
        self.levels.clear();
        self.numbers.clear();
        self.plain.clear();
        self.bounds = None;
        (self.rows, self.nulls, self.text_bytes) = (0, 0, 0);
    }
}
