//! The kind of text columns. A text of up to 12 bytes is stored in its string view, which the dictionary compares as
//! one integer.

use arrow::array::{ByteView, MAX_INLINE_VIEW_LEN, StringViewArray};
use parquet::basic::Type;
use parquet::data_type::ByteArray;
use parquet::file::statistics::{Statistics, ValueStatistics};
use xxhash_rust::xxh3::xxh3_128;

use crate::sink::parquet::column::column_kind::{Bounds, ColumnKind};

/// The length in bytes above which bounds are truncated, because readers load the whole page index before any page.
const MOST_BYTES: usize = 64;

/// The kind of text values. The dictionary key is the string view, or a hash if the text is too long for the view.
pub(crate) struct TextKind;

/// The least and the greatest text of a page or column, in byte order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextBounds {
    /// The least text.
    least: Vec<u8>,
    /// The greatest text.
    greatest: Vec<u8>,
    /// The first four bytes of `least` and of `greatest` as integers, which decide most comparisons.
    prefixes: (u32, u32),
}

/// A bound, and a flag: `true` if the bound is a value of the column, `false` if it was truncated.
type Bound = (Vec<u8>, bool);

impl ColumnKind for TextKind {
    type Array = StringViewArray;
    type Key = u128;
    type Bounds = TextBounds;

    fn physical(&self) -> Type {
        Type::BYTE_ARRAY
    }

    #[inline]
    fn key(&self, array: &StringViewArray, row: usize) -> u128 {
        let view = array.views()[row];
        let length = ByteView::from(view).length;
        if length <= MAX_INLINE_VIEW_LEN {
            return view;
        }
        // Both kinds of key have the length in their lowest bits, so that a hash never equals an inline view.
        xxh3_128(array.value(row).as_bytes()) << u32::BITS | u128::from(length)
    }

    #[inline]
    fn append(&self, array: &StringViewArray, row: usize, plain: &mut Vec<u8>) -> u64 {
        let value = array.value(row).as_bytes();
        let length = ByteView::from(array.views()[row]).length;
        plain.extend_from_slice(&length.to_le_bytes());
        plain.extend_from_slice(value);
        u64::from(length)
    }

    #[inline]
    fn text_bytes(&self, array: &StringViewArray, row: usize) -> u64 {
        u64::from(ByteView::from(array.views()[row]).length)
    }

    #[inline]
    fn bound(&self, plain: &[u8], bounds: &mut Option<TextBounds>) {
        let (length, text) = plain.split_first_chunk().expect("a value has a length");
        let value = &text[..u32::from_le_bytes(*length) as usize];
        match bounds {
            Some(bounds) => bounds.add(value),
            none => *none = Some(TextBounds::of(value)),
        }
    }

    fn statistics(&self, bounds: Option<&TextBounds>, nulls: u64) -> Statistics {
        let lower = bounds.map(TextBounds::cut_least);
        let upper = bounds.map(TextBounds::cut_greatest);
        let is_exact = |bound: &Option<Bound>| bound.as_ref().is_some_and(|(_, exact)| *exact);
        let (least_is_exact, greatest_is_exact) = (is_exact(&lower), is_exact(&upper));
        let value = |(bytes, _): Bound| ByteArray::from(bytes);
        ValueStatistics::new(lower.map(value), upper.map(value), None, Some(nulls), false)
            .with_min_is_exact(least_is_exact)
            .with_max_is_exact(greatest_is_exact)
            .into()
    }
}

impl TextBounds {
    /// Creates bounds of a single value.
    fn of(value: &[u8]) -> Self {
        let first = prefix(value);
        Self {
            least: value.to_vec(),
            greatest: value.to_vec(),
            prefixes: (first, first),
        }
    }

    /// Extends the bounds to include a value.
    #[inline]
    fn add(&mut self, value: &[u8]) {
        let first = prefix(value);
        if first <= self.prefixes.0 && value < self.least.as_slice() {
            self.least.clear();
            self.least.extend_from_slice(value);
            self.prefixes.0 = first;
        }
        if first >= self.prefixes.1 && value > self.greatest.as_slice() {
            self.greatest.clear();
            self.greatest.extend_from_slice(value);
            self.prefixes.1 = first;
        }
    }

    /// Returns the least text or, if it is too long, a shorter one that sorts before it.
    fn cut_least(&self) -> Bound {
        match cut(&self.least) {
            Some(cut) => (cut.as_bytes().to_vec(), false),
            None => (self.least.clone(), true),
        }
    }

    /// Returns the greatest text or, if it is too long and a shorter one sorts after it, the shorter one.
    fn cut_greatest(&self) -> Bound {
        match cut(&self.greatest).and_then(next_after) {
            Some(next) => (next.into_bytes(), false),
            None => (self.greatest.clone(), true),
        }
    }
}

impl Bounds for TextBounds {
    fn extend(&mut self, others: &Self) {
        self.add(&others.least);
        self.add(&others.greatest);
    }

    fn reaches(&self, others: &Self) -> bool {
        self.least >= others.least && self.greatest >= others.greatest
    }

    fn lower(&self) -> Vec<u8> {
        self.cut_least().0
    }

    fn upper(&self) -> Vec<u8> {
        self.cut_greatest().0
    }
}

/// Returns the first four bytes as an integer that sorts as the text does; shorter text is padded with zeros.
#[inline]
fn prefix(value: &[u8]) -> u32 {
    let mut first = [0; 4];
    let length = value.len().min(4);
    first[..length].copy_from_slice(&value[..length]);
    u32::from_be_bytes(first)
}

/// Truncates a text to [`MOST_BYTES`] at a character boundary; `None` if the text is not longer.
fn cut(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    (text.len() > MOST_BYTES).then(|| &text[..text.floor_char_boundary(MOST_BYTES)])
}

/// Returns a text that is not longer than `text` and sorts after every text that begins with `text`; `None` if none
/// exists.
fn next_after(text: &str) -> Option<String> {
    text.char_indices().rev().find_map(|(start, last)| {
        let next = char::from_u32(u32::from(last) + 1)?;
        (next.len_utf8() == last.len_utf8()).then(|| format!("{}{next}", &text[..start]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> TextBounds {
        let mut bounds = TextBounds::of(values[0].as_bytes());
        for value in values {
            bounds.add(value.as_bytes());
        }
        bounds
    }

    #[test]
    fn bounds_are_in_byte_order_even_if_the_first_four_bytes_are_equal() {
        let bounds = of(&["abcde", "abcd", "abcdz", "abcdé", "abc\0"]);
        assert_eq!(bounds.cut_least(), (b"abc\0".to_vec(), true));
        assert_eq!(bounds.cut_greatest(), ("abcdé".as_bytes().to_vec(), true));
        let short = of(&["ab", "ab\0", "a"]);
        assert_eq!(short.cut_least(), (b"a".to_vec(), true));
        assert_eq!(short.cut_greatest(), (b"ab\0".to_vec(), true));
    }

    #[test]
    fn long_bounds_are_truncated_between_characters_and_still_cover_every_value() {
        let long = "é".repeat(40);
        let bounds = of(&[&long]);
        assert_eq!(bounds.cut_least(), ("é".repeat(32).into_bytes(), false));
        let next = format!("{}ê", "é".repeat(31));
        assert_eq!(bounds.cut_greatest(), (next.into_bytes(), false));
        let last = format!("a{}", '\u{10FFFF}'.to_string().repeat(20));
        assert_eq!(of(&[&last]).cut_greatest(), (b"b".to_vec(), false));
        let without_next = '\u{10FFFF}'.to_string().repeat(20);
        assert_eq!(
            of(&[&without_next]).cut_greatest(),
            (without_next.into_bytes(), true)
        );
    }

    #[test]
    fn equal_texts_have_the_same_key_in_any_array() {
        let long = "a text that no view has room for";
        let first = StringViewArray::from(vec!["b", long, "", "another long text, beside it"]);
        let second = StringViewArray::from(vec!["a third long text comes first", long, "b"]);
        assert_eq!(TextKind.key(&first, 0), TextKind.key(&second, 2));
        assert_eq!(TextKind.key(&first, 1), TextKind.key(&second, 1));
        assert_ne!(TextKind.key(&first, 3), TextKind.key(&second, 0));
    }
}
