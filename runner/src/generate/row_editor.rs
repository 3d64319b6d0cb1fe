//! Changes the fields of a valid row before it is written.

use crate::generate::dataset_generators::DatasetGenerators;
use crate::generate::datasets::DatasetGenerator;
use crate::generate::defects::Mutation;
use crate::generate::sample_manifest::RentalStatistics;
use crate::generate::values::Rng;

/// The length of an overlong field, in bytes: more than the mebibyte that a whole row may have.
const OVERLONG_BYTES: usize = (1 << 20) + 4_096;

/// A row whose fields can be changed.
pub struct RowEditor<'a> {
    /// The generator of the row's dataset, which knows the columns and keys.
    dataset: &'a dyn DatasetGenerator,
    /// The text of each field, with its quotes.
    fields: Vec<Vec<u8>>,
}

impl<'a> RowEditor<'a> {
    /// Generates a row of a dataset and adds it to the statistics.
    pub fn new(
        dataset: &'a dyn DatasetGenerator,
        row: u64,
        statistics: &mut RentalStatistics,
    ) -> Self {
        let mut line = Vec::new();
        dataset.write(row, &mut line, statistics);
        Self {
            dataset,
            fields: split(&line),
        }
    }

    /// Applies a mutation; `earlier` is the number of a clean row above this one in the file.
    pub fn mutate(
        &mut self,
        sample: &DatasetGenerators,
        mutation: Mutation,
        earlier: u64,
        rng: &mut Rng,
    ) {
        match mutation {
            Mutation::Replace(column, text) => *self.field(column) = text.to_vec(),
            Mutation::Remove(column) => {
                let position = self.position(column);
                self.fields.remove(position);
            }
            Mutation::Extra => self.fields.push(b"surplus".to_vec()),
            Mutation::Repeat if rng.chance(1, 2) => {
                *self = Self::new(self.dataset, earlier, &mut RentalStatistics::default());
            }
            Mutation::Repeat => {
                let mut key = Vec::new();
                self.dataset.keys().write(earlier, &mut key);
                *self.field(self.dataset.description().key_column) = key;
            }
            Mutation::Negate(column) => self.field(column).insert(0, b'-'),
            Mutation::Swap(one, other) => {
                let (one, other) = (self.position(one), self.position(other));
                self.fields.swap(one, other);
            }
            Mutation::Orphan(column, dataset) => {
                let mut key = Vec::new();
                let keys = sample.dataset(dataset).keys();
                keys.write_unused(rng.below(1 << 30), &mut key);
                *self.field(column) = key;
            }
            Mutation::Break(column, other) => {
                *self.field(column) = b"\"first line\nsecond line\"".to_vec();
                *self.field(other) = b"?".to_vec();
            }
        }
    }

    /// Replaces the value of `column` with the key that a row of `dataset` has.
    pub fn refer(&mut self, column: &str, dataset: &dyn DatasetGenerator, row: u64) {
        let field = self.field(column);
        field.clear();
        dataset.keys().write(row, field);
    }

    /// Removes all quotes and inserts one at the start of the row, so that the row does not close it.
    pub fn open_quote(&mut self) {
        for field in &mut self.fields {
            field.retain(|byte| *byte != b'"');
        }
        self.fields[0].insert(0, b'"');
    }

    /// Extends the last field so that it alone is longer than a row may be.
    pub fn lengthen(&mut self) {
        let last = self.fields.last_mut().expect("a row has fields");
        last.resize(OVERLONG_BYTES, b'x');
    }

    /// Reverses the order of the columns.
    pub fn reverse(&mut self) {
        self.fields.reverse();
    }

    /// Inserts a value after the first column.
    pub fn insert_second(&mut self, text: &[u8]) {
        self.fields.insert(1, text.to_vec());
    }

    /// Appends the edited row and a line end to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.fields.join(&b','));
        out.push(b'\n');
    }

    /// Returns the field of a column, to be changed.
    fn field(&mut self, column: &str) -> &mut Vec<u8> {
        let position = self.position(column);
        &mut self.fields[position]
    }

    /// Returns the index of a column in the header; it is also the index in `fields` until a field is moved or removed.
    fn position(&self, column: &str) -> usize {
        let mut columns = self.dataset.description().columns.iter();
        columns
            .position(|name| *name == column)
            .expect("mutations name columns of their dataset")
    }
}

/// Splits a line of a generator into its fields, which keep their quotes.
fn split(line: &[u8]) -> Vec<Vec<u8>> {
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
