//! Assigns numbers to values: rows with the same values in some columns get the same number.

use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use datafusion::common::HashMap;

use crate::error::{Context, ErrorKind, Result};

/// A numbering of distinct values, from 0 in the order of first appearance.
#[derive(Debug)]
pub struct ValueNumbers {
    /// The converter from columns to the row format.
    converter: RowConverter,
    /// The number of each value. Keys are values in row format, whose bytes sort as the values do.
    numbers: HashMap<Box<[u8]>, u32>,
}

impl ValueNumbers {
    /// Creates an empty numbering for columns of these types.
    ///
    /// # Errors
    /// Arrow's error for a type that the row format does not support.
    pub fn new(types: &[DataType]) -> std::result::Result<Self, ArrowError> {
        let fields = types.iter().cloned().map(SortField::new).collect();
        Ok(Self {
            converter: RowConverter::new(fields)?,
            numbers: HashMap::default(),
        })
    }

    /// Returns the number of each row's values; calls `is_new` with each row whose values appear for the first time.
    ///
    /// # Errors
    /// `Failed` if the columns have other types than those given to [`Self::new`]; otherwise the error of `is_new`.
    ///
    /// # Panics
    /// If there are more than four billion distinct values, which do not fit into memory.
    pub fn number(
        &mut self,
        columns: &[ArrayRef],
        mut is_new: impl FnMut(usize) -> Result<()>,
    ) -> Result<Vec<u32>> {
        let rows = self
            .converter
            .convert_columns(columns)
            .context(ErrorKind::Failed, "cannot compare the values of columns")?;
        let mut numbers = Vec::with_capacity(rows.num_rows());
        let mut last = None;
        for row in 0..rows.num_rows() {
            let values = rows.row(row);
            // Adjacent rows are often equal, and a comparison is cheaper than a lookup.
            if let Some((previous, number)) = last
                && previous == values
            {
                numbers.push(number);
                continue;
            }
            let number = if let Some(number) = self.numbers.get(values.as_ref()) {
                *number
            } else {
                is_new(row)?;
                let number = u32::try_from(self.numbers.len())
                    .expect("four billion values do not fit into memory");
                self.numbers.insert(values.as_ref().into(), number);
                number
            };
            last = Some((values, number));
            numbers.push(number);
        }
        Ok(numbers)
    }

    /// Returns the number of distinct values so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Returns the numbers in the order of their values.
    #[must_use]
    pub fn in_order(&self) -> Vec<u32> {
        let mut values: Vec<_> = self.numbers.iter().collect();
        values.sort_unstable();
        values.into_iter().map(|(_, number)| *number).collect()
    }
}

/// The location of a row: the index of the batch, and the index of the row in that batch.
pub type BatchRow = (usize, usize);

/// A number, and the range of the rows with this number after sorting.
pub type Stretch = (u32, Range<usize>);

/// Sorts the rows of several batches by their numbers, with a counting sort; rows with the same number keep their
/// order.
///
/// Returns the batch and row of each sorted row, and the range of each number that occurs.
#[must_use]
pub fn in_stretches(numbers: &[Vec<u32>]) -> (Vec<BatchRow>, Vec<Stretch>) {
    let mut ends: Vec<usize> = Vec::new();
    for number in numbers.iter().flatten() {
        let number = *number as usize;
        if ends.len() <= number {
            ends.resize(number + 1, 0);
        }
        ends[number] += 1;
    }
    // Turns counts into start offsets; the placement below advances each one to its end.
    let mut next = 0;
    for end in &mut ends {
        next += std::mem::replace(end, next);
    }
    let mut places = vec![(0, 0); next];
    for (batch, numbers) in numbers.iter().enumerate() {
        for (row, number) in numbers.iter().enumerate() {
            let place = &mut ends[*number as usize];
            places[*place] = (batch, row);
            *place += 1;
        }
    }
    let mut start = 0;
    let stretches = (0..)
        .zip(ends)
        .filter_map(|(number, end)| {
            let range = std::mem::replace(&mut start, end)..end;
            (!range.is_empty()).then_some((number, range))
        })
        .collect();
    (places, stretches)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int32Array;

    use super::*;

    #[test]
    fn equal_values_have_the_same_number_and_numbers_are_sorted_by_value() {
        let mut numbers = ValueNumbers::new(&[DataType::Int32]).unwrap();
        let column: ArrayRef = Arc::new(Int32Array::from(vec![
            Some(7),
            Some(7),
            None,
            Some(-3),
            Some(7),
        ]));
        let mut new = Vec::new();
        let given = numbers
            .number(&[column], |row| {
                new.push(row);
                Ok(())
            })
            .unwrap();
        assert_eq!(given, [0, 0, 1, 2, 0]);
        assert_eq!(new, [0, 2, 3]);
        assert_eq!(numbers.in_order(), [1, 2, 0]);
    }

    #[test]
    fn rows_with_the_same_number_are_adjacent_and_keep_their_order() {
        let (places, stretches) = in_stretches(&[vec![4, 1, 4], Vec::new(), vec![1, 0]]);
        assert_eq!(places, [(2, 1), (0, 1), (2, 0), (0, 0), (0, 2)]);
        assert_eq!(stretches, [(0, 0..1), (1, 1..3), (4, 3..5)]);
    }
}
