//! The data page that a column is writing.

use std::ops::Range;

use arrow::array::Array;

use crate::sink::parquet::column::column_kind::ColumnKind;
use crate::sink::parquet::column::dictionary::Dictionary;

/// The number of rows at which a page ends, as in the parquet crate's writer.
pub(crate) const PAGE_ROWS: usize = 20_000;
/// The number of plain bytes at which a page ends, as in the parquet crate's writer.
pub(crate) const PAGE_BYTES: usize = 1 << 20;

/// A data page in progress.
pub(crate) struct Page<K: ColumnKind> {
    /// The number of rows, NULLs included.
    pub(crate) rows: usize,
    /// The number of NULLs.
    pub(crate) nulls: usize,
    /// Definition levels: 1 for a value, 0 for NULL; empty while the page has no NULL.
    pub(crate) levels: Vec<u32>,
    /// Dictionary indices of the values; empty on a plain page.
    pub(crate) numbers: Vec<u32>,
    /// Plain encoding of the values; empty on a page of dictionary indices.
    pub(crate) plain: Vec<u8>,
    /// Bounds of the plain values; `None` on a page of dictionary indices.
    pub(crate) bounds: Option<K::Bounds>,
    /// The total length of the page's text in bytes, without length prefixes.
    pub(crate) text_bytes: u64,
}

impl<K: ColumnKind> Page<K> {
    /// Creates an empty page.
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

    /// Appends rows as dictionary indices until the dictionary is full; returns the first row that was not appended.
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

    /// Appends rows as plain values until the page has [`PAGE_BYTES`]; returns the first row that was not appended.
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

    /// Appends the definition levels of rows whose values were appended, and counts the rows.
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

    /// Returns the bounds of the dictionary entries that the page uses; `None` if every value is NULL.
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

    /// Returns the size of the page's content before compression, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        (self.numbers.len() + self.levels.len()) * size_of::<u32>() + self.plain.len()
    }

    /// Clears the page; its allocations are kept for the next one.
    pub(crate) fn clear(&mut self) {
        self.levels.clear();
        self.numbers.clear();
        self.plain.clear();
        self.bounds = None;
        (self.rows, self.nulls, self.text_bytes) = (0, 0, 0);
    }
}
