//! A valid row whose fields are changed before it is written.

use super::datasets::Dataset;
use super::defects::Change;
use super::sample::Sample;
use super::sample_manifest::Facts;
use super::values::Draw;

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
