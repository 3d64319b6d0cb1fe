//! Conversion between column types and the names that a log stores, so that published data is read with its original
//! types.

use arrow::datatypes::{DataType, TimeUnit};
use drivetrain_jobs::contract::ColumnType;

/// The name of a timestamp type whose values are instants; a contract writes it as `timestamp` with `zone = "UTC"`.
const UTC_TIMESTAMP: &str = "timestamp with time zone UTC";

/// Returns the name by which a log stores a type. Types with the same name have the same Arrow type.
#[must_use]
pub fn type_name(kind: &ColumnType) -> String {
    match kind {
        ColumnType::Timestamp { utc: true, .. } => UTC_TIMESTAMP.to_owned(),
        other => other.to_string(),
    }
}

/// Returns the Arrow type for a name; `None` for a name that this binary does not know.
#[must_use]
pub fn arrow_type(name: &str) -> Option<DataType> {
    Some(match name {
        "string" => DataType::Utf8View,
        "int" => DataType::Int32,
        "bigint" => DataType::Int64,
        "double" => DataType::Float64,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, None),
        UTC_TIMESTAMP => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "boolean" => DataType::Boolean,
        decimal => {
            let digits = decimal.strip_prefix("decimal(")?.strip_suffix(')')?;
            let (precision, scale) = digits.split_once(',')?;
            DataType::Decimal128(precision.parse().ok()?, scale.parse().ok()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_name_is_read_back_as_the_same_type() {
        let format = String::new;
        let timestamp = |utc| ColumnType::Timestamp {
            format: format(),
            utc,
        };
        let types = [
            ColumnType::String,
            ColumnType::Int,
            ColumnType::Bigint,
            ColumnType::Double,
            ColumnType::Decimal {
                precision: 12,
                scale: 2,
            },
            ColumnType::Date { format: format() },
            timestamp(false),
            timestamp(true),
            ColumnType::Boolean {
                yes: Vec::new(),
                no: Vec::new(),
            },
        ];
        for kind in &types {
            assert_eq!(arrow_type(&type_name(kind)), Some(kind.arrow()), "{kind}");
        }
        assert_eq!(arrow_type("map<string,int>"), None);
    }
}
