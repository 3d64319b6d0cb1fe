//! Assigns ids to values: rows with the same values in some columns get the same id.

use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use datafusion::common::HashMap;

use crate::error::{Context, ErrorKind, Result};

/// The ids of distinct values, from 0 in the order of first appearance.
#[derive(Debug)]
pub struct ValueIds {
    /// The converter from columns to the row format.
    converter: RowConverter,
    /// The id of each value. Keys are values in row format, whose bytes sort as the values do.
    ids: HashMap<Box<[u8]>, u32>,
}

impl ValueIds {
    /// Creates an empty mapping for columns of these types.
    ///
    /// # Errors
    /// Arrow's error for a type that the row format does not support.
    pub fn new(types: &[DataType]) -> std::result::Result<Self, ArrowError> {
        let fields = types.iter().cloned().map(SortField::new).collect();
        Ok(Self {
            converter: RowConverter::new(fields)?,
            ids: HashMap::default(),
        })
    }

    /// Returns the id that each row's values are assigned; calls `is_new` with each row whose values appear for the
    /// first time.
    ///
    /// # Errors
    /// `Failed` if the columns have other types than those given to [`Self::new`]; otherwise the error of `is_new`.
    ///
    /// # Panics
    /// If there are more than four billion distinct values, which do not fit into memory.
    pub fn ids_of(
        &mut self,
        columns: &[ArrayRef],
        mut is_new: impl FnMut(usize) -> Result<()>,
    ) -> Result<Vec<u32>> {
        let rows = self
            .converter
            .convert_columns(columns)
            .context(ErrorKind::Failed, "cannot compare the values of columns")?;
        let mut ids = Vec::with_capacity(rows.num_rows());
        let mut last = None;
        for row in 0..rows.num_rows() {
            let values = rows.row(row);
            // Adjacent rows are often equal, and a comparison is cheaper than a lookup.
            if let Some((previous, id)) = last
                && previous == values
            {
                ids.push(id);
                continue;
            }
            let id = if let Some(id) = self.ids.get(values.as_ref()) {
                *id
            } else {
                is_new(row)?;
                let id = u32::try_from(self.ids.len())
                    .expect("four billion values do not fit into memory");
                self.ids.insert(values.as_ref().into(), id);
                id
            };
            last = Some((values, id));
            ids.push(id);
        }
        Ok(ids)
    }

    /// Returns the number of distinct values so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns the ids in the order of their values.
    #[must_use]
    pub fn in_order(&self) -> Vec<u32> {
        let mut values: Vec<_> = self.ids.iter().collect();
        values.sort_unstable();
        values.into_iter().map(|(_, id)| *id).collect()
    }
}

/// The location of a row: the index of the batch, and the index of the row in that batch.
pub type BatchRow = (usize, usize);

/// An id, and the range of the rows with this id after sorting.
pub type Stretch = (u32, Range<usize>);

/// Sorts the rows of several batches by their ids, with a counting sort; rows with the same id keep their
/// order.
///
/// Returns the batch and row of each sorted row, and the range of each id that occurs.
#[must_use]
pub fn in_stretches(ids: &[Vec<u32>]) -> (Vec<BatchRow>, Vec<Stretch>) {
    let mut ends: Vec<usize> = Vec::new();
    for id in ids.iter().flatten() {
        let id = *id as usize;
        if ends.len() <= id {
            ends.resize(id + 1, 0);
        }
        ends[id] += 1;
    }
    // Turns counts into start offsets; the placement below advances each one to its end.
    let mut next = 0;
    for end in &mut ends {
        next += std::mem::replace(end, next);
    }
    let mut places = vec![(0, 0); next];
    for (batch, ids) in ids.iter().enumerate() {
        for (row, id) in ids.iter().enumerate() {
            let place = &mut ends[*id as usize];
            places[*place] = (batch, row);
            *place += 1;
        }
    }
    let mut start = 0;
    let stretches = (0..)
        .zip(ends)
        .filter_map(|(id, end)| {
            let range = std::mem::replace(&mut start, end)..end;
            (!range.is_empty()).then_some((id, range))
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
    fn equal_values_have_the_same_id_and_ids_are_sorted_by_value() {
        let mut ids = ValueIds::new(&[DataType::Int32]).unwrap();
        let column: ArrayRef = Arc::new(Int32Array::from(vec![
            Some(7),
            Some(7),
            None,
            Some(-3),
            Some(7),
        ]));
        let mut new = Vec::new();
        let given = ids
            .ids_of(&[column], |row| {
                new.push(row);
                Ok(())
            })
            .unwrap();
        assert_eq!(given, [0, 0, 1, 2, 0]);
        assert_eq!(new, [0, 2, 3]);
        assert_eq!(ids.in_order(), [1, 2, 0]);
    }

    #[test]
    fn rows_with_the_same_id_are_adjacent_and_keep_their_order() {
        let (places, stretches) = in_stretches(&[vec![4, 1, 4], Vec::new(), vec![1, 0]]);
        assert_eq!(places, [(2, 1), (0, 1), (2, 0), (0, 0), (0, 2)]);
        assert_eq!(stretches, [(0, 0..1), (1, 1..3), (4, 3..5)]);
    }
}
