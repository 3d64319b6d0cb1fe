//! `date_of(timestamp)`: the date of a timestamp, computed faster than by a cast.

use std::sync::Arc;

use arrow::array::{AsArray as _, Date32Array};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

/// The SQL function `date_of`. It divides by the length of a day, because all days are equally long. A cast to `date`
/// does calendar arithmetic for each row, which takes several times as long.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateOf {
    /// Signature that makes DataFusion call `coerce_types`.
    signature: Signature,
}

impl DateOf {
    /// Builds the function; its argument types are checked by `coerce_types`.
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

/// Length of a day in microseconds.
const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;

impl ScalarUDFImpl for DateOf {
    fn name(&self) -> &'static str {
        "date_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let zone = match types {
            [DataType::Null | DataType::Date32 | DataType::Timestamp(_, None)] => None,
            [DataType::Timestamp(_, Some(zone))] if matches!(zone.as_ref(), "UTC" | "+00:00") => {
                Some(Arc::clone(zone))
            }
            _ => {
                return plan_err!(
                    "`date_of` takes one timestamp, which has no zone or the zone UTC"
                );
            }
        };
        Ok(vec![DataType::Timestamp(TimeUnit::Microsecond, zone)])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = matches!(args.args[0], ColumnarValue::Scalar(_));
        let array = args.args[0].to_array(if scalar { 1 } else { args.number_rows })?;
        let timestamps = array.as_primitive::<TimestampMicrosecondType>();
        let days: Date32Array = timestamps.unary(|timestamp| {
            i32::try_from(timestamp.div_euclid(MICROSECONDS_PER_DAY))
                .expect("days in 64 bits of microseconds fit 32 bits")
        });
        if scalar {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &days, 0,
            )?));
        }
        Ok(ColumnarValue::Array(Arc::new(days)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
    use datafusion::execution::runtime_env::RuntimeEnv;

    use crate::plan::session_context;

    #[tokio::test]
    async fn dates_are_those_of_a_cast() {
        let context = session_context(Arc::new(RuntimeEnv::default()), 1);
        let day = 86_400_000_000;
        // Days before and after 1970, within the range that a cast to `date` supports.
        let around = |moment: i64| [moment - 1, moment, moment + 1];
        let mut moments: Vec<Option<i64>> = [-700_000, -1, 0, 1, 59, 20_000, 2_000_000]
            .iter()
            .flat_map(|days| around(days * day))
            .map(Some)
            .collect();
        moments.push(None);
        let wall = TimestampMicrosecondArray::from(moments);
        let utc = wall.clone().with_timezone("UTC");
        let columns = [("wall", Arc::new(wall) as ArrayRef), ("utc", Arc::new(utc))];
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.map(|(name, column)| (name, column, true)),
        );
        context.register_batch("moments", batch.unwrap()).unwrap();
        let sql = "select wall from moments where (date_of(wall) is distinct from cast(wall as date)) \
                   or (date_of(utc) is distinct from date_of(wall))";
        let wrong = context.sql(sql).await.unwrap().count().await.unwrap();
        assert_eq!(wrong, 0);
        let sql = "select date_of(timestamp '2024-02-29 23:59:59') = date '2024-02-29' as same";
        let same = context.sql(sql).await.unwrap().collect().await.unwrap();
        assert!(same[0].column(0).to_data().buffers()[0][0] & 1 == 1);
        for wrong in [
            "date_of('2024')",
            "date_of(wall, wall)",
            "date_of(arrow_cast(wall, 'Timestamp(Microsecond, Some(\"+01:00\"))'))",
        ] {
            let error = context
                .sql(&format!("select {wrong} from moments"))
                .await
                .unwrap_err();
            assert!(error.to_string().contains("`date_of` takes"), "{error}");
        }
    }
}
