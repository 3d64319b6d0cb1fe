//! Hashes the values of some columns of each row, so that keys and references are compared by hashes instead of values.
//!
//! A hash has 128 bits: among 10^9 different keys, two with the same hash are expected once in 10^20 runs. Each run has
//! a new seed, so collisions cannot be crafted.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// The value in place of a hash if one of the columns is NULL: such a row has no key and refers to no row.
pub(crate) const NO_HASH: u128 = 0;

/// Computes one hash per row; [`NO_HASH`] if any of the columns is NULL.
pub(crate) fn row_hashes(columns: &[&ArrayRef], seed: u64) -> Vec<u128> {
    let rows = columns.first().map_or(0, Array::len);
    match columns {
        [column] => match column.data_type() {
            DataType::Utf8View => {
                let values = column.as_string_view();
                (0..rows)
                    .map(|row| {
                        if values.is_null(row) {
                            NO_HASH
                        } else {
                            hash(values.value(row).as_bytes(), seed)
                        }
                    })
                    .collect()
            }
            DataType::Int32 if column.null_count() == 0 => {
                let values = column.as_primitive::<Int32Type>().values();
                values
                    .iter()
                    .map(|value| hash(&i64::from(*value).to_le_bytes(), seed))
                    .collect()
            }
            _ => (0..rows)
                .map(|row| {
                    value_bytes(column, row)
                        .map_or(NO_HASH, |(bytes, length)| hash(&bytes[..length], seed))
                })
                .collect(),
        },
        columns => {
            let mut buffer = Vec::new();
            (0..rows)
                .map(|row| {
                    buffer.clear();
                    for column in columns {
                        if column.is_null(row) {
                            return NO_HASH;
                        }
                        append_value(&mut buffer, column, row);
                    }
                    hash(&buffer, seed)
                })
                .collect()
        }
    }
}

/// `true` if references may compare values of the two types: equal values then have equal hashes.
pub(crate) fn comparable(left: &DataType, right: &DataType) -> bool {
    let integer = |data_type: &DataType| matches!(data_type, DataType::Int32 | DataType::Int64);
    match (left, right) {
        (DataType::Decimal128(_, left), DataType::Decimal128(_, right)) => left == right,
        _ => left == right || integer(left) && integer(right),
    }
}

/// Hashes bytes to a value other than [`NO_HASH`].
fn hash(bytes: &[u8], seed: u64) -> u128 {
    xxh3_128_with_seed(bytes, seed).max(1)
}

/// Appends one value of a key that has several columns, in an encoding that gives different keys different bytes.
fn append_value(buffer: &mut Vec<u8>, column: &ArrayRef, row: usize) {
    if let Some(strings) = column.as_string_view_opt() {
        // The length comes first, so that ("ab", "c") and ("a", "bc") differ.
        let value = strings.value(row).as_bytes();
        buffer.extend_from_slice(&value.len().to_le_bytes());
        buffer.extend_from_slice(value);
    } else if let Some((bytes, length)) = value_bytes(column, row) {
        buffer.extend_from_slice(&bytes[..length]);
    }
}

/// Returns the bytes of a value that is not text; equal integers of both widths have the same bytes. `None` for NULL.
#[inline]
fn value_bytes(column: &ArrayRef, row: usize) -> Option<([u8; 16], usize)> {
    if column.is_null(row) {
        return None;
    }
    let long = match column.data_type() {
        DataType::Int32 => i64::from(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row),
        DataType::Date32 => i64::from(column.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(_, _) => column.as_primitive::<TimestampMicrosecondType>().value(row),
        DataType::Boolean => i64::from(column.as_boolean().value(row)),
        DataType::Float64 => {
            // Adding 0.0 turns -0.0 into 0.0, which is equal to it.
            let value = column.as_primitive::<Float64Type>().value(row) + 0.0;
            value.to_bits().cast_signed()
        }
        DataType::Decimal128(_, _) => {
            let value = column.as_primitive::<Decimal128Type>().value(row);
            return Some((value.to_le_bytes(), 16));
        }
        other => unreachable!("a contract has no column of type {other}"),
    };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&long.to_le_bytes());
    Some((bytes, 8))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, Int64Array, StringViewArray};

    use super::*;

    #[test]
    fn integers_of_both_widths_are_equal_and_null_has_no_hash() {
        let narrow: ArrayRef = Arc::new(Int32Array::from(vec![Some(7), None, Some(-1)]));
        let wide: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(-1)]));
        let hashes = row_hashes(&[&narrow], 3);
        assert_eq!(hashes, row_hashes(&[&wide], 3));
        assert_eq!(hashes[1], NO_HASH);
        assert_ne!(hashes[0], hashes[2]);
        assert!(comparable(narrow.data_type(), wide.data_type()));
    }

    #[test]
    fn parts_of_a_key_do_not_run_into_each_other() {
        let left: ArrayRef = Arc::new(StringViewArray::from(vec!["ab", "a"]));
        let right: ArrayRef = Arc::new(StringViewArray::from(vec!["c", "bc"]));
        let hashes = row_hashes(&[&left, &right], 3);
        assert_ne!(hashes[0], hashes[1]);
    }
}
