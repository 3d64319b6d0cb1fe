//! The defects that a contract must reject: every way in which real files were seen to be broken.

use serde::{Deserialize, Serialize};

/// The kind of defect that a row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectKind {
    /// A day or month that no calendar has, or a date whose parts are in another order.
    BadDate,
    /// Text in place of a number or a truth value.
    BadType,
    /// The key of an earlier row of the same file.
    DuplicateKey,
    /// One field too many.
    ExtraField,
    /// One field too few.
    MissingField,
    /// An amount below zero.
    NegativeAmount,
    /// A key without a value.
    NullKey,
    /// A required column without a value.
    NullValue,
    /// A reference to a key that the other dataset does not have.
    OrphanReference,
    /// A number with more digits than its type holds.
    OutOfRange,
    /// A record of one line that is longer than a mebibyte.
    OverlongRecord,
    /// An end before the start.
    ReversedTimes,
    /// A third decimal in an amount.
    TooManyDecimals,
    /// A record over two lines, because of a quoted line end, that has another defect too.
    TwoLines,
    /// A quote that is not closed within a mebibyte, or before the end of the file.
    UnclosedQuote,
    /// Bytes of Latin-1 that are not UTF-8.
    WrongEncoding,
}

/// A defect and the mutation that gives it to a valid row.
#[derive(Clone, Copy, Debug)]
pub struct Defect {
    /// The defect that the row then has.
    pub kind: DefectKind,
    /// The change to a valid row.
    pub mutation: Mutation,
}

impl Defect {
    /// Pairs a kind of defect with the mutation that leads to it.
    pub const fn new(kind: DefectKind, mutation: Mutation) -> Self {
        Self { kind, mutation }
    }

    /// Returns the number of physical lines of a row with this defect.
    pub fn lines(&self) -> u64 {
        match self.mutation {
            Mutation::Break(..) => 2,
            _ => 1,
        }
    }
}

/// A change to a valid row; columns are given by name.
#[derive(Clone, Copy, Debug)]
pub enum Mutation {
    /// Replaces the text of a column.
    Replace(&'static str, &'static [u8]),
    /// Removes a field and its comma.
    Remove(&'static str),
    /// Appends one more field.
    Extra,
    /// Takes the key of an earlier row, or, in half of the cases, the whole row.
    Repeat,
    /// Puts a minus sign before a number.
    Negate(&'static str),
    /// Swaps two columns.
    Swap(&'static str, &'static str),
    /// Lets a column refer to a key that the named dataset does not have.
    Orphan(&'static str, &'static str),
    /// Puts a quoted text of two lines into the first column, and an invalid value into the second.
    Break(&'static str, &'static str),
}
