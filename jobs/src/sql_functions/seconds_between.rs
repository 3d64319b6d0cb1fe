//! `seconds_between(from, to)`: whole seconds from one timestamp to another, rounded toward zero.

use std::sync::Arc;

use arrow::array::{AsArray as _, Int64Array};
use arrow::compute::binary;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

/// The SQL function `seconds_between`. Subtracting timestamps returns an interval, which cannot be summed, and
/// `date_part('epoch', ..)` returns a floating-point number.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SecondsBetween {
    /// Signature that makes DataFusion call `coerce_types`.
    signature: Signature,
}

impl SecondsBetween {
    /// Builds the function; its argument types are checked by `coerce_types`.
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// Number of microseconds in a second.
const MICROSECONDS: i64 = 1_000_000;

impl ScalarUDFImpl for SecondsBetween {
    fn name(&self) -> &'static str {
        "seconds_between"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [from, to] = types else {
            return plan_err!("`seconds_between` takes two timestamps");
        };
        let zone = |kind: &DataType| match kind {
            DataType::Timestamp(_, zone) => Ok(zone.clone()),
            DataType::Date32 | DataType::Null => Ok(None),
            other => plan_err!("`seconds_between` takes timestamps and dates, got {other}"),
        };
        let (first, second) = (zone(from)?, zone(to)?);
        if first.is_some() != second.is_some()
            && !matches!((from, to), (DataType::Null, _) | (_, DataType::Null))
        {
            return plan_err!(
                "`seconds_between` takes two timestamps with a zone or two without a zone, got one of each: cast one of the two"
            );
        }
        Ok(vec![
            DataType::Timestamp(TimeUnit::Microsecond, first),
            DataType::Timestamp(TimeUnit::Microsecond, second),
        ])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let all_scalar = args
            .args
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let raw = |at: usize| {
            arrays[at]
                .as_primitive::<TimestampMicrosecondType>()
                .reinterpret_cast::<Int64Type>()
        };
        let seconds: Int64Array = binary(&raw(0), &raw(1), |from, to| {
            to.wrapping_sub(from) / MICROSECONDS
        })?;
        if all_scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &seconds, 0,
            )?));
        }
        Ok(ColumnarValue::Array(Arc::new(seconds)))
    }
}
