//! Rows that a contract must reject: every way in which real files were seen to be broken.

use serde::{Deserialize, Serialize};

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A day or month that no calendar has, or the parts in another order.
    BadDate,
    /// Text where a number or a truth value must stand.
    BadType,
    /// A key that an earlier row of the same file bears.
    DuplicateKey,
    /// One field too many.
    ExtraField,
    /// One field too few.
    MissingField,
    /// An amount under zero.
    NegativeAmount,
    /// A key without a value.
    NullKey,
    /// A column without the value that it must have.
    NullValue,
    /// A key of another dataset that nothing there bears.
    OrphanReference,
    /// A number with more digits than its type holds.
    OutOfRange,
    /// A record of one line and more than a mebibyte.
    OverlongRecord,
    /// An end before the start.
    ReversedTimes,
    /// A third decimal in an amount.
    TooManyDecimals,
    /// A record over two lines, by a quoted line end, with a fault besides.
    TwoLines,
    /// A quote that nothing closes within a mebibyte, or before the end of the file.
    UnclosedQuote,
    /// Bytes of Latin-1 that are no UTF-8.
    WrongEncoding,
}

/// A way in which a row is spoilt.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// What is then wrong with it.
    pub class: Class,
    /// What is done to a valid row.
    pub change: Change,
}

impl Fault {
    /// How many physical lines a row so spoilt has.
    pub fn lines(&self) -> u64 {
        match self.change {
            Change::Break(..) => 2,
            _ => 1,
        }
    }
}

/// What is done to a valid row.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// The column's text becomes this.
    Replace(&'static str, &'static [u8]),
    /// The field goes, with its comma.
    Drop(&'static str),
    /// One more field comes last.
    Extra,
    /// The key becomes that of an earlier row; every other time the whole row does.
    Repeat,
    /// A minus sign comes before the number.
    Negate(&'static str),
    /// Two columns change places.
    Swap(&'static str, &'static str),
    /// The column becomes a key that is missing in that dataset.
    Orphan(&'static str, &'static str),
    /// The first column becomes a quoted text of two lines, the second no value of its type.
    Break(&'static str, &'static str),
}
