//! Integers, and types that files store as integers: dates, times and decimals of up to 18 digits.

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use parquet::basic::Type;
use parquet::errors::{ParquetError, Result};
use parquet::file::statistics::{Statistics, ValueStatistics};

use crate::sink::parquet::column::column_kind::{Bounds, ColumnKind};

/// The kind of integers that files store in four or eight bytes.
pub(crate) struct NumberKind {
    /// `true` for eight bytes, `false` for four.
    is_wide: bool,
}

/// The least and the greatest integer of a page or column.
#[derive(Clone)]
pub(crate) struct NumberBounds {
    /// `true` for eight bytes, `false` for four.
    is_wide: bool,
    /// The least value.
    least: i64,
    /// The greatest value.
    greatest: i64,
}

impl NumberKind {
    /// Returns the kind for a column's physical type and Arrow type; `None` if this encoder does not write such
    /// columns.
    pub(crate) fn of(physical: Type, array: &DataType) -> Option<Self> {
        let is_wide = match physical {
            Type::INT32 => false,
            Type::INT64 => true,
            _ => return None,
        };
        let is_number = matches!(
            array,
            DataType::Int32
                | DataType::Int64
                | DataType::Date32
                | DataType::Timestamp(TimeUnit::Microsecond, _)
                | DataType::Decimal128(_, _)
        );
        is_number.then_some(Self { is_wide })
    }
}

impl NumberKind {
    /// Converts an array to 64-bit integers.
    ///
    /// # Errors
    /// The parquet crate's error if a decimal has more digits than its column holds.
    pub(crate) fn read(&self, array: &ArrayRef) -> Result<Int64Array> {
        Ok(match array.data_type() {
            DataType::Int32 => array.as_primitive::<Int32Type>().unary(i64::from),
            DataType::Date32 => array.as_primitive::<Date32Type>().unary(i64::from),
            DataType::Timestamp(_, _) => array
                .as_primitive::<TimestampMicrosecondType>()
                .reinterpret_cast(),
            DataType::Decimal128(_, _) => {
                let decimals = array.as_primitive::<Decimal128Type>();
                decimals.try_unary(|decimal| self.fit(decimal))?
            }
            _ => array.as_primitive::<Int64Type>().clone(),
        })
    }

    /// Converts a decimal to an integer of the column's width.
    ///
    /// # Errors
    /// The parquet crate's error if the decimal has too many digits.
    fn fit(&self, decimal: i128) -> Result<i64> {
        let fitting = if self.is_wide {
            i64::try_from(decimal).ok()
        } else {
            i32::try_from(decimal).ok().map(i64::from)
        };
        fitting.ok_or_else(|| {
            ParquetError::General(format!(
                "the decimal with the unscaled value {decimal} has more digits than its column's type allows"
            ))
        })
    }

    /// Returns the little-endian bytes of a value, and the number of them that files store.
    fn bytes(&self, number: i64) -> ([u8; 8], usize) {
        (number.to_le_bytes(), if self.is_wide { 8 } else { 4 })
    }
}

impl ColumnKind for NumberKind {
    type Array = Int64Array;
    type Key = i64;
    type Bounds = NumberBounds;

    fn physical(&self) -> Type {
        if self.is_wide {
            Type::INT64
        } else {
            Type::INT32
        }
    }

    #[inline]
    fn key(&self, array: &Int64Array, row: usize) -> i64 {
        array.values()[row]
    }

    #[inline]
    fn append(&self, array: &Int64Array, row: usize, plain: &mut Vec<u8>) -> u64 {
        let (bytes, length) = self.bytes(array.values()[row]);
        plain.extend_from_slice(&bytes[..length]);
        0
    }

    #[inline]
    fn text_bytes(&self, _: &Int64Array, _: usize) -> u64 {
        0
    }

    #[inline]
    fn bound(&self, plain: &[u8], bounds: &mut Option<NumberBounds>) {
        let narrow = |bytes: &[u8; 4]| i64::from(i32::from_le_bytes(*bytes));
        let wide = |bytes: &[u8; 8]| i64::from_le_bytes(*bytes);
        let number = if self.is_wide {
            plain.first_chunk().map(wide)
        } else {
            plain.first_chunk().map(narrow)
        };
        let number = number.expect("a number has all its bytes");
        let bounds = bounds.get_or_insert(NumberBounds {
            is_wide: self.is_wide,
            least: number,
            greatest: number,
        });
        bounds.least = bounds.least.min(number);
        bounds.greatest = bounds.greatest.max(number);
    }

    fn statistics(&self, bounds: Option<&NumberBounds>, nulls: u64) -> Statistics {
        let least = bounds.map(|bounds| bounds.least);
        let greatest = bounds.map(|bounds| bounds.greatest);
        if self.is_wide {
            return ValueStatistics::new(least, greatest, None, Some(nulls), false)
                .with_backwards_compatible_min_max(true)
                .into();
        }
        let narrow = |number: i64| i32::try_from(number).expect("only narrow numbers were read");
        ValueStatistics::new(
            least.map(narrow),
            greatest.map(narrow),
            None,
            Some(nulls),
            false,
        )
        .with_backwards_compatible_min_max(true)
        .into()
    }
}

impl NumberBounds {
    /// Returns a bound in the column's width, little-endian.
    fn bytes(&self, number: i64) -> Vec<u8> {
        number.to_le_bytes()[..if self.is_wide { 8 } else { 4 }].to_vec()
    }
}

impl Bounds for NumberBounds {
    fn extend(&mut self, others: &Self) {
        self.least = self.least.min(others.least);
        self.greatest = self.greatest.max(others.greatest);
    }

    fn reaches(&self, others: &Self) -> bool {
        self.least >= others.least && self.greatest >= others.greatest
    }

    fn lower(&self) -> Vec<u8> {
        self.bytes(self.least)
    }

    fn upper(&self) -> Vec<u8> {
        self.bytes(self.greatest)
    }
}
