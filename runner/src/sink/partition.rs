//! Assigns each row of an output to its partition.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type};
use arrow::temporal_conversions::date32_to_datetime;

use crate::commit::Partition;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::sql::value_ids::ValueIds;

/// The length in bytes of the longest `name=value` that every file system accepts as one folder name.
const MAX_FOLDER_NAME_BYTES: usize = 255;

/// Hive's folder value for NULL; a real value of this text would be read back as NULL.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The number of a partition within one output of one run. Partitions are numbered in the order of first appearance.
pub type PartitionNumber = u32;

/// Numbering of one output's partitions, in the order in which they appear.
#[derive(Debug)]
pub struct Partitions {
    /// The output's name, for messages.
    output: String,
    /// Index in the batches and name of each partition column, outermost folder first.
    columns: Vec<(usize, String)>,
    /// Maps values of the partition columns to partition numbers; `None` without partition columns.
    ids: Option<ValueIds>,
    /// Partitions seen so far, by number.
    known: Vec<Partition>,
}

impl Partitions {
    /// Creates an empty numbering for partition columns, each given by its index in the batches and its name. Without
    /// columns, all rows share one partition that has no folder.
    ///
    /// # Errors
    /// `Failed` if a column has a type whose values cannot be compared (contracts allow no such type).
    pub fn new(output: &str, columns: Vec<(usize, String)>, types: &[DataType]) -> Result<Self> {
        let ids = if columns.is_empty() {
            None
        } else {
            let what = format!("cannot partition output `{output}`");
            Some(ValueIds::new(types).context(ErrorKind::Failed, what)?)
        };
        Ok(Self {
            output: output.to_owned(),
            columns,
            ids,
            known: Vec::new(),
        })
    }

    /// Returns the partition number of each row of a batch.
    ///
    /// # Errors
    /// `QualityGate` for a value that cannot be a folder name: NULL, an empty string, Hive's word for NULL, a text with
    /// a zero byte, or a value whose folder name is longer than 255 bytes.
    ///
    /// # Panics
    /// If there are more than four billion partitions, which no memory holds.
    pub fn number(&mut self, batch: &RecordBatch) -> Result<Vec<PartitionNumber>> {
        let Some(ids) = &mut self.ids else {
            if self.known.is_empty() {
                self.known.push(Partition::whole());
            }
            return Ok(vec![0; batch.num_rows()]);
        };
        let arrays: Vec<ArrayRef> = self
            .columns
            .iter()
            .map(|(index, _)| Arc::clone(batch.column(*index)))
            .collect();
        ids.ids_of(&arrays, |row| {
            let partition = partition_at(&self.output, &self.columns, &arrays, row)?;
            self.known.push(partition);
            Ok(())
        })
    }

    /// Returns the partition with this number.
    #[must_use]
    pub fn partition(&self, number: PartitionNumber) -> &Partition {
        &self.known[number as usize]
    }

    /// Returns the number of partitions seen so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Returns `true` if no row has been seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// Builds the partition of one row and checks that its folder names are valid.
fn partition_at(
    output: &str,
    columns: &[(usize, String)],
    arrays: &[ArrayRef],
    row: usize,
) -> Result<Partition> {
    let values = columns
        .iter()
        .zip(arrays)
        .map(|((_, name), array)| legal(output, name, value_text(array, row)))
        .collect::<Result<Vec<_>>>()?;
    let names = columns.iter().map(|(_, name)| name.as_str());
    let partition = Partition::of(names.zip(values.iter().map(String::as_str)))?;
    match partition
        .as_str()
        .split('/')
        .find(|folder| folder.len() > MAX_FOLDER_NAME_BYTES)
    {
        None => Ok(partition),
        Some(folder) => {
            let column = folder.split('=').next().unwrap_or_default();
            let what = format!(
                "its folder name has {} bytes, more than the limit of {MAX_FOLDER_NAME_BYTES}",
                folder.len()
            );
            Err(illegal(output, column, &what))
        }
    }
}

/// Returns the value unchanged if it can be a folder name, and an error otherwise.
fn legal(output: &str, column: &str, value: Option<String>) -> Result<String> {
    match value {
        None => Err(illegal(output, column, "it is NULL")),
        Some(value) if value.is_empty() => Err(illegal(output, column, "it is an empty string")),
        Some(value) if value == HIVE_NULL => Err(illegal(
            output,
            column,
            &format!("it is `{HIVE_NULL}`, which means NULL"),
        )),
        Some(value) if value.contains('\0') => {
            Err(illegal(output, column, "it contains a zero byte"))
        }
        Some(value) => Ok(value),
    }
}

/// Builds the error for a value that cannot be a folder name; `what` is the reason, as a clause that begins with "it"
/// or "its".
fn illegal(output: &str, column: &str, what: &str) -> Error {
    let message = format!(
        "output `{output}`: a value of partition column `{column}` cannot be a folder name: {what}"
    );
    Error::new(ErrorKind::QualityGate, message).hint(
        "exclude such rows with the output's `where`, or replace the value in the output's SQL",
    )
}

/// Formats a value as text for a folder name; `None` for NULL.
fn value_text(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            date32_to_datetime(days)?.date().to_string()
        }
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        other => unreachable!("contracts allow no partition column of type {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Date32Array, StringViewArray};
    use arrow::datatypes::{Field, Schema};

    fn batch(days: Vec<Option<i32>>, texts: Vec<Option<&str>>) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("day", DataType::Date32, true),
            Field::new("text", DataType::Utf8View, true),
        ]);
        RecordBatch::try_new(
            schema.into(),
            vec![
                Arc::new(Date32Array::from(days)),
                Arc::new(StringViewArray::from(texts)),
            ],
        )
        .unwrap()
    }

    fn by_both() -> Partitions {
        Partitions::new(
            "facts",
            vec![(0, "day".into()), (1, "text".into())],
            &[DataType::Date32, DataType::Utf8View],
        )
        .unwrap()
    }

    #[test]
    fn rows_of_equal_values_share_a_partition() {
        let mut partitions = by_both();
        let numbers = partitions
            .number(&batch(
                vec![Some(0), Some(0), Some(19_782), Some(0)],
                vec![Some("a"), Some("a"), Some("a"), Some("a/b=1%")],
            ))
            .unwrap();
        assert_eq!(numbers, [0, 0, 1, 2]);
        assert_eq!(partitions.partition(1).as_str(), "day=2024-02-29/text=a");
        assert_eq!(
            partitions.partition(2).as_str(),
            "day=1970-01-01/text=a%2Fb%3D1%25"
        );
    }

    #[test]
    fn values_that_cannot_be_a_folder_name_are_rejected_with_their_column() {
        for (text, word) in [
            (None, "NULL"),
            (Some(""), "empty"),
            (Some(HIVE_NULL), HIVE_NULL),
        ] {
            let error = by_both()
                .number(&batch(vec![Some(0)], vec![text]))
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::QualityGate);
            assert!(error.to_string().contains(word), "{error}");
            assert!(error.to_string().contains("`text`"), "{error}");
        }
        let long = "x".repeat(300);
        let error = by_both()
            .number(&batch(vec![Some(0)], vec![Some(&long)]))
            .unwrap_err();
        assert!(error.to_string().contains("305 bytes"), "{error}");
    }

    #[test]
    fn without_partition_columns_all_rows_share_one_partition_without_a_folder() {
        let mut partitions = Partitions::new("days", vec![], &[]).unwrap();
        let numbers = partitions
            .number(&batch(vec![None, Some(1)], vec![None, None]))
            .unwrap();
        assert_eq!(numbers, [0, 0]);
        assert_eq!(partitions.partition(0), &Partition::whole());
    }
}
