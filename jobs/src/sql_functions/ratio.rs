//! `ratio(a, b, scale)`: exact division, rounded once, half away from zero.

use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, Decimal128Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type, i256};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// The SQL function `ratio`. DataFusion's own decimal division truncates, so `sum(amount) / count(*)` would not be a
/// rounded average.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Ratio {
    /// Signature that makes DataFusion call `coerce_types`.
    signature: Signature,
}

impl Ratio {
    /// Builds the function; its argument types are checked by `coerce_types`.
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// Number of digits of the result: the maximum, because an output column casts the result to its own type.
const PRECISION: u8 = 38;

impl ScalarUDFImpl for Ratio {
    fn name(&self) -> &'static str {
        "ratio"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [dividend, divisor, _] = types else {
            return plan_err!("`ratio` takes a dividend, a divisor and a scale");
        };
        Ok(vec![exact(dividend)?, exact(divisor)?, DataType::Int64])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("the type of `ratio` depends on its third argument")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let scale = match args.scalar_arguments.get(2) {
            Some(Some(ScalarValue::Int64(Some(scale)))) => i8::try_from(*scale)
                .ok()
                .filter(|scale| (0..=18).contains(scale)),
            _ => None,
        };
        let Some(scale) = scale else {
            return plan_err!(
                "the third argument of `ratio`, the number of digits after the point, must be a literal from 0 to 18"
            );
        };
        let kind = DataType::Decimal128(PRECISION, scale);
        Ok(Arc::new(Field::new(self.name(), kind, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Decimal128(_, scale) = *args.return_field.data_type() else {
            return plan_err!("`ratio` was planned without a scale; this is a bug");
        };
        let all_scalar = args
            .args
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if all_scalar { 1 } else { args.number_rows };
        let dividend = Operand::new(&args.args[0], rows)?;
        let divisor = Operand::new(&args.args[1], rows)?;
        let exponent = i32::from(scale) + i32::from(divisor.scale) - i32::from(dividend.scale);
        let mut values = Decimal128Array::builder(rows);
        for row in 0..rows {
            match (dividend.get(row), divisor.get(row)) {
                (Some(dividend), Some(divisor)) if divisor != 0 => {
                    values.append_value(divide(dividend, divisor, exponent)?);
                }
                _ => values.append_null(),
            }
        }
        let array = values.finish().with_precision_and_scale(PRECISION, scale)?;
        if all_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &array, 0,
            )?));
        }
        Ok(ColumnarValue::Array(Arc::new(array)))
    }
}

/// Returns the integer or decimal type to which an argument is cast before the division.
fn exact(kind: &DataType) -> Result<DataType> {
    match kind {
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::Null => Ok(DataType::Int64),
        DataType::UInt64 => Ok(DataType::Decimal128(20, 0)),
        DataType::Decimal128(..) => Ok(kind.clone()),
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            Ok(DataType::Decimal128(*precision, *scale))
        }
        _ => plan_err!(
            "`ratio` takes only integers and decimals, got {kind}: cast the argument to a decimal"
        ),
    }
}

/// The dividend or the divisor: a column of exact numbers, or one number for all rows.
struct Operand {
    /// The numbers: one per row, or a single one if `constant` is `true`.
    numbers: Numbers,
    /// Number of digits after the point in each number; 0 for integers.
    scale: i8,
    /// `true` if there is one number for all rows.
    constant: bool,
}

/// A column of numbers. Its type is matched once per batch, because matching once per row would cost as much as the
/// division.
enum Numbers {
    /// Integers, which have no digits after the point.
    Whole(Int64Array),
    /// Decimals, stored as integers in units of their last digit.
    Decimal(Decimal128Array),
}

impl Operand {
    /// Reads an argument of the function for a batch of `rows` rows.
    fn new(value: &ColumnarValue, rows: usize) -> Result<Self> {
        let constant = matches!(value, ColumnarValue::Scalar(_));
        let array = value.to_array(if constant { 1 } else { rows })?;
        let (numbers, scale) = match array.data_type() {
            DataType::Decimal128(_, scale) => (
                Numbers::Decimal(array.as_primitive::<Decimal128Type>().clone()),
                *scale,
            ),
            _ => (Numbers::Whole(array.as_primitive::<Int64Type>().clone()), 0),
        };
        Ok(Self {
            numbers,
            scale,
            constant,
        })
    }

    /// Returns the number of a row in units of its last digit; `None` if it is NULL.
    fn get(&self, row: usize) -> Option<i128> {
        let row = if self.constant { 0 } else { row };
        match &self.numbers {
            Numbers::Whole(array) => array.is_valid(row).then(|| i128::from(array.value(row))),
            Numbers::Decimal(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }
}

/// Returns `dividend * 10^exponent / divisor`, rounded half away from zero.
fn divide(dividend: i128, divisor: i128, exponent: i32) -> Result<i128> {
    let negative = (dividend < 0) != (divisor < 0);
    // Amounts and counts nearly always fit into 64 bits, and a 64-bit division is several times faster.
    let small = |number: i128| u64::try_from(number.unsigned_abs()).ok();
    if let (Some(above), Some(below), Some(factor)) = (
        small(dividend),
        small(divisor),
        10_u64.checked_pow(exponent.unsigned_abs()),
    ) {
        let (above, below) = if exponent < 0 {
            (Some(above), below.checked_mul(factor))
        } else {
            (above.checked_mul(factor), Some(below))
        };
        if let (Some(above), Some(below)) = (above, below) {
            let (quotient, rest) = (above / below, above % below);
            let rounded = i128::from(quotient) + i128::from(rest >= below - rest);
            return Ok(if negative { -rounded } else { rounded });
        }
    }
    let wide = |number: i128| i256::from_i128(number).wrapping_abs();
    let ten = i256::from_i128(10);
    let overflow = || {
        datafusion::common::exec_datafusion_err!(
            "the result of `ratio` has more than {PRECISION} digits: use a smaller scale, its third argument"
        )
    };
    let factor = ten
        .checked_pow(exponent.unsigned_abs())
        .ok_or_else(overflow)?;
    let (above, below) = if exponent < 0 {
        (
            wide(dividend),
            wide(divisor).checked_mul(factor).ok_or_else(overflow)?,
        )
    } else {
        (
            wide(dividend).checked_mul(factor).ok_or_else(overflow)?,
            wide(divisor),
        )
    };
    let quotient = above.wrapping_div(below);
    let rest = above.wrapping_rem(below);
    let up = i256::from_i128(i128::from(rest >= below.wrapping_sub(rest)));
    let rounded = quotient.wrapping_add(up).to_i128().ok_or_else(overflow)?;
    if rounded >= 10_i128.pow(u32::from(PRECISION)) {
        return Err(overflow());
    }
    Ok(if negative { -rounded } else { rounded })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero_and_nothing_is_truncated() {
        for (dividend, divisor, exponent, expected) in [
            (1, 2, 0, 1),
            (-1, 2, 0, -1),
            (1, 3, 4, 3333),
            (2, 3, 4, 6667),
            (5, 1, -1, 1),
            (4, 1, -1, 0),
            (100_005, -2, 0, -50_003),
            (10_i128.pow(37), 3, 1, 10_i128.pow(38) / 3),
            (2 * 10_i128.pow(37), 3, 0, 2 * 10_i128.pow(37) / 3 + 1),
        ] {
            let found = divide(dividend, divisor, exponent).expect("it fits");
            assert_eq!(found, expected, "{dividend} / {divisor} e{exponent}");
        }
        assert!(divide(i128::MAX, 1, 18).is_err());
    }

    #[test]
    fn narrow_and_wide_division_agree() {
        for dividend in [0_i128, 1, 7, 12_345, 999_999_999_999, i128::from(u64::MAX)] {
            for divisor in [1_i128, 2, 3, 7, 3600, 86_400_000] {
                let expected = (dividend * 20_000 + divisor) / (2 * divisor);
                assert_eq!(divide(dividend, divisor, 4).expect("it fits"), expected);
            }
        }
    }
}
