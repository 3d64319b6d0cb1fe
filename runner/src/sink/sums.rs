//! Exact sums of columns, as decimal text.

use arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{
    DataType, Decimal128Type, Decimal256Type, DecimalType, Int32Type, Int64Type, Schema, i256,
};

use crate::commit::Sums;

/// The precision at which sums become text: the largest, so that a sum of any number of values fits.
const PRECISION: u8 = 76;

/// Sums of some columns over rows that are added batch by batch.
#[derive(Debug)]
pub(crate) struct ColumnSums(Vec<ColumnSum>);

/// The sum of one column.
#[derive(Debug)]
struct ColumnSum {
    /// Name of the column.
    name: String,
    /// Index of the column in each batch.
    place: usize,
    /// The number of digits after the decimal point; 0 for integers.
    scale: i8,
    /// The sum of the values so far, as a whole number of the last digit. The sum of 2⁶⁴ values of 38 digits fits.
    sum: i256,
}

impl ColumnSums {
    /// Returns sums of 0 for the columns with these names. Columns that are missing, or are not numbers with an exact
    /// sum, are left out.
    pub fn new(schema: &Schema, names: &[String]) -> Self {
        let sums = names.iter().filter_map(|name| {
            let (place, field) = schema.column_with_name(name)?;
            let scale = match field.data_type() {
                DataType::Int32 | DataType::Int64 => 0,
                DataType::Decimal128(_, scale) => *scale,
                _ => return None,
            };
            Some(ColumnSum {
                name: name.clone(),
                place,
                scale,
                sum: i256::ZERO,
            })
        });
        Self(sums.collect())
    }

    /// Adds the values of a batch with the schema of the sums; NULL adds nothing.
    pub fn add(&mut self, batch: &RecordBatch) {
        for column in &mut self.0 {
            let values = batch.column(column.place);
            let sum = match values.data_type() {
                DataType::Int32 => sum::<Int32Type>(values.as_primitive()),
                DataType::Int64 => sum::<Int64Type>(values.as_primitive()),
                _ => sum::<Decimal128Type>(values.as_primitive()),
            };
            column.sum = column.sum.wrapping_add(sum);
        }
    }

    /// Returns the sums as text, with as many digits after the point as the columns have.
    pub fn to_texts(&self) -> Sums {
        let sums = self.0.iter();
        sums.map(|column| (column.name.clone(), text(column.sum, column.scale)))
            .collect()
    }
}

/// Adds up the values of an array.
fn sum<T: ArrowPrimitiveType>(values: &PrimitiveArray<T>) -> i256
where
    T::Native: Into<i128>,
{
    let (mut sum, mut pending) = (i256::ZERO, 0_i128);
    let mut add = |value: T::Native| {
        let value: i128 = value.into();
        pending = pending.checked_add(value).unwrap_or_else(|| {
            sum = sum.wrapping_add(i256::from_i128(pending));
            value
        });
    };
    if values.null_count() == 0 {
        values.values().iter().for_each(|value| add(*value));
    } else {
        values.iter().flatten().for_each(add);
    }
    sum.wrapping_add(i256::from_i128(pending))
}

/// Formats a sum, which is a whole number of its last digit.
fn text(sum: i256, scale: i8) -> String {
    Decimal256Type::format_decimal(sum, PRECISION, scale)
}

/// Adds up sums that were formatted as text, even with different numbers of digits after the point. `None` for a text
/// that is not a sum.
pub(crate) fn add_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (mut total, mut total_scale) = (i256::ZERO, 0);
    for text in texts {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let scale = u8::try_from(fraction.len()).ok()?;
        let sum = i256::from_string(&format!("{whole}{fraction}"))?;
        let ten = i256::from_i128(10);
        let raised = |sum: i256, from: u8| sum.checked_mul(ten.checked_pow(u32::from(from))?);
        total = raised(total, scale.saturating_sub(total_scale))?;
        let sum = raised(sum, total_scale.saturating_sub(scale))?;
        total = total.checked_add(sum)?;
        total_scale = total_scale.max(scale);
    }
    Some(text(total, i8::try_from(total_scale).ok()?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, Int32Array, Int64Array, StringArray};
    use arrow::datatypes::Field;

    use super::*;

    fn batch(columns: Vec<(&str, Arc<dyn Array>)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn sums_are_exact_beyond_the_range_of_the_columns() {
        let most = 10_i128.pow(38) - 1;
        let decimals = Decimal128Array::from(vec![Some(most); 1_000]);
        let batch = batch(vec![
            ("text", Arc::new(StringArray::from(vec!["x"; 1_000]))),
            ("int", Arc::new(Int32Array::from(vec![i32::MIN; 1_000]))),
            ("bigint", Arc::new(Int64Array::from(vec![i64::MAX; 1_000]))),
            (
                "decimal",
                Arc::new(decimals.with_precision_and_scale(38, 2).unwrap()),
            ),
        ]);
        let names = ["decimal", "int", "bigint", "text", "none"].map(str::to_owned);
        let mut sums = ColumnSums::new(&batch.schema(), &names);
        sums.add(&batch);
        sums.add(&batch);
        let texts = sums.to_texts();
        assert_eq!(texts.len(), 3);
        assert_eq!(texts["int"], "-4294967296000");
        assert_eq!(texts["bigint"], "18446744073709551614000");
        assert_eq!(
            texts["decimal"],
            format!("1999{}8000.00", "9".repeat(34)).replace("8000.00", "80.00")
        );
    }

    #[test]
    fn null_adds_nothing_and_no_value_is_zero() {
        let decimals = Decimal128Array::from(vec![Some(-5), None, Some(250)]);
        let batch = batch(vec![(
            "amount",
            Arc::new(decimals.with_precision_and_scale(12, 2).unwrap()),
        )]);
        let mut sums = ColumnSums::new(&batch.schema(), &["amount".to_owned()]);
        assert_eq!(sums.to_texts()["amount"], "0.00");
        sums.add(&batch);
        assert_eq!(sums.to_texts()["amount"], "2.45");
        let empty = Schema::new(vec![Field::new("n", DataType::Int32, true)]);
        assert_eq!(
            ColumnSums::new(&empty, &["n".to_owned()]).to_texts()["n"],
            "0"
        );
    }

    #[test]
    fn texts_are_added_with_their_digits() {
        for (texts, expected) in [
            (vec![], Some("0")),
            (vec!["0.10", "-0.35"], Some("-0.25")),
            (vec!["1", "2.5", "0.25"], Some("3.75")),
            (vec!["-0.05"], Some("-0.05")),
            (vec!["1.0", "many"], None),
        ] {
            assert_eq!(add_texts(texts).as_deref(), expected);
        }
    }
}
