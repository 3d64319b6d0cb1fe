//! The least and the greatest text of a page or a column.

use parquet::basic::BoundaryOrder;

/// Longer bounds are cut: an index is read whole before any page.
const MOST_BYTES: usize = 64;

/// The least and the greatest of some texts, by their bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    least: Vec<u8>,
    greatest: Vec<u8>,
    /// The first bytes of both, which settle most comparisons.
    prefixes: (u32, u32),
}

/// How the bounds of pages go from one to the next.
#[derive(Default)]
pub(super) struct Order {
    last: Option<Bounds>,
    not_ascending: bool,
    not_descending: bool,
}

/// A bound, and whether it is a value itself.
pub(super) type Bound = (Vec<u8>, bool);

impl Bounds {
    pub(super) fn of(value: &[u8]) -> Self {
        let first = prefix(value);
        Self {
            least: value.to_vec(),
            greatest: value.to_vec(),
            prefixes: (first, first),
        }
    }

    /// Makes the bounds hold a value too.
    #[inline]
    pub(super) fn add(&mut self, value: &[u8]) {
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

    /// Makes the bounds hold all that others do.
    pub(super) fn extend(bounds: &mut Option<Self>, others: &Self) {
        match bounds {
            Some(bounds) => {
                bounds.add(&others.least);
                bounds.add(&others.greatest);
            }
            none => *none = Some(others.clone()),
        }
    }

    /// Whether both bounds are at least those of others.
    pub(super) fn reaches(&self, others: &Self) -> bool {
        self.least >= others.least && self.greatest >= others.greatest
    }

    /// The least text, or a shorter one before it.
    pub(super) fn lower(&self) -> Bound {
        match cut(&self.least) {
            Some(cut) => (cut.as_bytes().to_vec(), false),
            None => (self.least.clone(), true),
        }
    }

    /// The greatest text, or a shorter one behind it where there is one.
    pub(super) fn upper(&self) -> Bound {
        match cut(&self.greatest).and_then(next_after) {
            Some(next) => (next.into_bytes(), false),
            None => (self.greatest.clone(), true),
        }
    }
}

impl Order {
    /// Takes in the bounds of the next page.
    pub(super) fn add(&mut self, bounds: Bounds) {
        if let Some(last) = &self.last {
            self.not_ascending |= !bounds.reaches(last);
            self.not_descending |= !last.reaches(&bounds);
        }
        self.last = Some(bounds);
    }

    /// As a file's index names it.
    pub(super) fn name(&self) -> BoundaryOrder {
        match (self.not_ascending, self.not_descending) {
            (false, _) => BoundaryOrder::ASCENDING,
            (true, false) => BoundaryOrder::DESCENDING,
            (true, true) => BoundaryOrder::UNORDERED,
        }
    }
}

/// The first four bytes as a number that orders texts as they do, zeros behind shorter ones.
#[inline]
fn prefix(value: &[u8]) -> u32 {
    let mut first = [0; 4];
    let length = value.len().min(4);
    first[..length].copy_from_slice(&value[..length]);
    u32::from_be_bytes(first)
}

/// The first characters of a text that is too long.
fn cut(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    (text.len() > MOST_BYTES).then(|| &text[..text.floor_char_boundary(MOST_BYTES)])
}

/// A text of no more bytes that comes after all that begin with this one.
fn next_after(text: &str) -> Option<String> {
    text.char_indices().rev().find_map(|(start, last)| {
        let next = char::from_u32(u32::from(last) + 1)?;
        (next.len_utf8() == last.len_utf8()).then(|| format!("{}{next}", &text[..start]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Bounds {
        let mut bounds = Bounds::of(values[0].as_bytes());
        for value in values {
            bounds.add(value.as_bytes());
        }
        bounds
    }

    #[test]
    fn bounds_are_by_bytes_also_where_the_first_four_are_equal() {
        let bounds = of(&["abcde", "abcd", "abcdz", "abcdé", "abc\0"]);
        assert_eq!(bounds.lower(), (b"abc\0".to_vec(), true));
        assert_eq!(bounds.upper(), ("abcdé".as_bytes().to_vec(), true));
        let short = of(&["ab", "ab\0", "a"]);
        assert_eq!(short.lower(), (b"a".to_vec(), true));
        assert_eq!(short.upper(), (b"ab\0".to_vec(), true));
    }

    #[test]
    fn long_bounds_are_cut_between_characters_and_still_hold_every_value() {
        let long = "é".repeat(40);
        let bounds = of(&[&long]);
        assert_eq!(bounds.lower(), ("é".repeat(32).into_bytes(), false));
        let next = format!("{}ê", "é".repeat(31));
        assert_eq!(bounds.upper(), (next.into_bytes(), false));
        let last = format!("a{}", '\u{10FFFF}'.to_string().repeat(20));
        assert_eq!(of(&[&last]).upper(), (b"b".to_vec(), false));
        let without_next = '\u{10FFFF}'.to_string().repeat(20);
        assert_eq!(
            of(&[&without_next]).upper(),
            (without_next.into_bytes(), true)
        );
    }
}
