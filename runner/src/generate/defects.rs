//! The defects that a contract must reject; each of them was seen in real files.

use serde::{Deserialize, Serialize};

/// The kind of defect that a row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefectKind {
    /// A day or month that does not exist, or a date whose parts are in the wrong order.
    BadDate,
    /// Text in place of a number or a boolean.
    BadType,
    /// A key that an earlier row of the same file has.
    DuplicateKey,
    /// One field too many.
    ExtraField,
    /// One field too few.
    MissingField,
    /// An amount below zero.
    NegativeAmount,
    /// An empty key.
    NullKey,
    /// An empty value in a required column.
    NullValue,
    /// A reference to a key that no row of the referenced dataset has.
    OrphanReference,
    /// A number that is too large for its type.
    OutOfRange,
    /// A row on one line that is longer than a mebibyte.
    OverlongRecord,
    /// An end time before the start time.
    ReversedTimes,
    /// A third decimal in an amount.
    TooManyDecimals,
    /// A row on two lines, because of a quoted line end, with another defect that makes it invalid.
    TwoLines,
    /// A quote that is not closed within a mebibyte, or before the end of the file.
    UnclosedQuote,
    /// Text in Latin-1 that is not valid UTF-8.
    WrongEncoding,
}

/// A kind of defect, with the mutation that turns a valid row into a row with this defect.
#[derive(Clone, Copy, Debug)]
pub struct Defect {
    /// The kind of defect that the mutated row has.
    pub kind: DefectKind,
    /// The mutation to apply to a valid row.
    pub mutation: Mutation,
}

impl Defect {
    /// Pairs a kind of defect with its mutation.
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

/// A change to a valid row that makes it defective; columns are given by name.
#[derive(Clone, Copy, Debug)]
pub enum Mutation {
    /// Replaces the text of a column.
    Replace(&'static str, &'static [u8]),
    /// Removes a field and its comma.
    Remove(&'static str),
    /// Appends a field after the last column.
    Extra,
    /// Copies the key of an earlier row or, in half of the cases, the whole earlier row.
    Repeat,
    /// Puts a minus sign before a number.
    Negate(&'static str),
    /// Swaps the values of two columns.
    Swap(&'static str, &'static str),
    /// Replaces the value of a column (the first name) with a key that no row of a dataset (the second name) has.
    Orphan(&'static str, &'static str),
    /// Puts a quoted text of two lines into the first column, and an invalid value into the second column.
    Break(&'static str, &'static str),
}
