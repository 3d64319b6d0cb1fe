//! Rows that a contract must reject: every way in which real files were seen to be broken.

use serde::{Deserialize, Serialize};

use super::account::Facts;
use super::dataset::Dataset;
use super::random::Draw;
use super::sample::Sample;

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

/// One byte more than a record may have, and some.
const OVERLONG_BYTES: usize = (1 << 20) + 4_096;

/// A valid row whose fields are changed before it is written.
pub struct Record<'a> {
    dataset: &'a dyn Dataset,
    fields: Vec<Vec<u8>>,
}

impl<'a> Record<'a> {
    /// A row of a dataset, which is counted among the facts.
    pub fn new(dataset: &'a dyn Dataset, row: u64, facts: &mut Facts) -> Self {
        let mut line = Vec::new();
        dataset.write(row, &mut line, facts);
        Self {
            dataset,
            fields: fields(&line),
        }
    }

    /// Spoils the row; `earlier` is a clean row that stands above it.
    pub fn spoil(&mut self, sample: &Sample, change: Change, earlier: u64, draw: &mut Draw) {
        match change {
            Change::Replace(column, text) => *self.field(column) = text.to_vec(),
            Change::Drop(column) => {
                let position = self.position(column);
                self.fields.remove(position);
            }
            Change::Extra => self.fields.push(b"surplus".to_vec()),
            Change::Repeat if draw.chance(1, 2) => {
                *self = Self::new(self.dataset, earlier, &mut Facts::default());
            }
            Change::Repeat => {
                let mut key = Vec::new();
                self.dataset.write_key(earlier, &mut key);
                *self.field(self.dataset.key_column()) = key;
            }
            Change::Negate(column) => self.field(column).insert(0, b'-'),
            Change::Swap(one, other) => {
                let (one, other) = (self.position(one), self.position(other));
                self.fields.swap(one, other);
            }
            Change::Orphan(column, dataset) => {
                let mut key = Vec::new();
                let number = draw.below(1 << 30);
                sample.dataset(dataset).write_missing_key(number, &mut key);
                *self.field(column) = key;
            }
            Change::Break(column, other) => {
                *self.field(column) = b"\"first line\nsecond line\"".to_vec();
                *self.field(other) = b"?".to_vec();
            }
        }
    }

    /// Makes a column refer to another row.
    pub fn refer(&mut self, column: &str, dataset: &dyn Dataset, row: u64) {
        let field = self.field(column);
        field.clear();
        dataset.write_key(row, field);
    }

    /// Opens a quote at the row's start and closes it nowhere.
    pub fn open_quote(&mut self) {
        for field in &mut self.fields {
            field.retain(|byte| *byte != b'"');
        }
        self.fields[0].insert(0, b'"');
    }

    /// Makes a text longer than any record may be.
    pub fn lengthen(&mut self) {
        let last = self.fields.last_mut().expect("a row has fields");
        last.resize(OVERLONG_BYTES, b'x');
    }

    /// Puts the columns in the opposite order.
    pub fn reverse(&mut self) {
        self.fields.reverse();
    }

    /// Adds a value for a column after the first one.
    pub fn insert_second(&mut self, text: &[u8]) {
        self.fields.insert(1, text.to_vec());
    }

    /// Appends the row with its line end.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.fields.join(&b','));
        out.push(b'\n');
    }

    fn field(&mut self, column: &str) -> &mut Vec<u8> {
        let position = self.position(column);
        &mut self.fields[position]
    }

    fn position(&self, column: &str) -> usize {
        self.dataset
            .columns()
            .iter()
            .position(|name| *name == column)
            .expect("faults name columns of their dataset")
    }
}

/// The fields of a line that the generator wrote, quotes kept.
fn fields(line: &[u8]) -> Vec<Vec<u8>> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut fields = vec![Vec::new()];
    let mut is_quoted = false;
    for byte in line {
        is_quoted ^= *byte == b'"';
        if *byte == b',' && !is_quoted {
            fields.push(Vec::new());
        } else if let Some(field) = fields.last_mut() {
            field.push(*byte);
        }
    }
    fields
}
