//! The page of a column that is being filled.

use std::ops::Range;

use arrow::array::{Array, ByteView, StringViewArray};

use super::bounds::Bounds;
use super::dictionary::{self, Dictionary};

/// A page ends with this many rows, or with as many bytes as the next line says: what parquet's writer does.
pub(super) const PAGE_ROWS: usize = 20_000;
pub(super) const PAGE_BYTES: usize = 1 << 20;

/// The page that is being filled.
#[derive(Default)]
pub(super) struct Page {
    pub(super) rows: usize,
    pub(super) nulls: usize,
    /// 1 for a value, 0 for NULL; empty while there is no NULL.
    pub(super) levels: Vec<u32>,
    /// Values by their numbers in the dictionary.
    pub(super) numbers: Vec<u32>,
    /// Values, each behind its length.
    pub(super) plain: Vec<u8>,
    /// The values' bounds, where they are written out.
    pub(super) bounds: Option<Bounds>,
    pub(super) text_bytes: u64,
}

impl Page {
    /// Adds values by their numbers until the dictionary is full; where it ended is returned.
    pub(super) fn add_numbered(
        &mut self,
        texts: &StringViewArray,
        rows: Range<usize>,
        dictionary: &mut Dictionary,
    ) -> usize {
        self.numbers.reserve(rows.len());
        let views = texts.views();
        for row in rows.clone() {
            if texts.is_null(row) {
                continue;
            }
            let view = views[row];
            self.text_bytes += u64::from(ByteView::from(view).length);
            self.numbers
                .push(dictionary.number(view, || texts.value(row).as_bytes()));
            if dictionary.is_full() {
                return row + 1;
            }
        }
        rows.end
    }

    /// Adds values until there are enough bytes; where it ended is returned.
    pub(super) fn add_plain(&mut self, texts: &StringViewArray, rows: Range<usize>) -> usize {
        for row in rows.clone() {
            if texts.is_null(row) {
                continue;
            }
            let value = texts.value(row).as_bytes();
            self.text_bytes += value.len() as u64;
            dictionary::append(&mut self.plain, value);
            match &mut self.bounds {
                Some(bounds) => bounds.add(value),
                none => *none = Some(Bounds::of(value)),
            }
            if self.plain.len() >= PAGE_BYTES {
                return row + 1;
            }
        }
        rows.end
    }

    pub(super) fn add_levels(&mut self, texts: &StringViewArray, rows: Range<usize>) {
        let added = rows.len();
        if texts.null_count() > 0 {
            if self.levels.is_empty() {
                self.levels.resize(self.rows, 1);
            }
            let levels = rows.map(|row| u32::from(texts.is_valid(row)));
            self.levels.extend(levels);
            let values = self.levels[self.rows..].iter().sum::<u32>();
            self.nulls += added - values as usize;
        } else if !self.levels.is_empty() {
            self.levels.resize(self.rows + added, 1);
        }
        self.rows += added;
    }

    /// The bounds of the values that the page names.
    pub(super) fn named_bounds(&self, dictionary: &Dictionary) -> Option<Bounds> {
        let mut is_named = vec![false; dictionary.len()];
        for number in &self.numbers {
            is_named[*number as usize] = true;
        }
        let mut bounds: Option<Bounds> = None;
        for (number, _) in (0..).zip(is_named).filter(|(_, is_named)| *is_named) {
            let value = dictionary.value(number);
            match &mut bounds {
                Some(bounds) => bounds.add(value),
                none => *none = Some(Bounds::of(value)),
            }
        }
        bounds
    }

    pub(super) fn bytes(&self) -> usize {
        (self.numbers.len() + self.levels.len()) * size_of::<u32>() + self.plain.len()
    }

    /// Empties it, and keeps its memory for the next.
    pub(super) fn clear(&mut self) {
        self.levels.clear();
        self.numbers.clear();
        self.plain.clear();
        self.bounds = None;
        (self.rows, self.nulls, self.text_bytes) = (0, 0, 0);
    }
}
