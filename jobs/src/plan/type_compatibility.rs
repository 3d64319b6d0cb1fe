//! Which types of a query's column a contract's type takes without a cast in the SQL.

use arrow::datatypes::DataType;

use crate::contract::ColumnType;

/// Whether values of a type are held by a column as they are, or after a cast that loses nothing or fails.
///
/// Texts go into `string`; whole numbers and decimals into `int`, `bigint`, `decimal` and `double`; floating point numbers
/// into `double` only; the other types into their own. A zone is never added or dropped.
pub(crate) fn is_compatible(from: &DataType, to: &ColumnType) -> bool {
    match from {
        DataType::Null => true,
        DataType::Dictionary(_, values) => is_compatible(values, to),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            matches!(to, ColumnType::String)
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            matches!(to, ColumnType::Double)
        }
        DataType::Date32 => matches!(to, ColumnType::Date { .. }),
        DataType::Timestamp(_, zone) => {
            matches!(to, ColumnType::Timestamp { utc, .. } if *utc == zone.is_some())
        }
        DataType::Boolean => matches!(to, ColumnType::Boolean { .. }),
        exact if exact.is_integer() || exact.is_decimal() => matches!(
            to,
            ColumnType::Int | ColumnType::Bigint | ColumnType::Decimal { .. } | ColumnType::Double
        ),
        _ => false,
    }
}

/// What to write in the query where a type does not fit.
pub(crate) fn cast_hint(column: &str, from: &DataType, to: &ColumnType) -> String {
    let cast = match to {
        ColumnType::String => "varchar".to_owned(),
        other => other.to_string(),
    };
    match (from, to) {
        (
            DataType::Float16 | DataType::Float32 | DataType::Float64,
            ColumnType::Decimal { scale, .. },
        ) => format!(
            "floating point numbers are not exact: compute in decimals, such as `ratio(a, b, {scale})`, or cast: `cast(.. as {cast}) as {column}`"
        ),
        (DataType::Timestamp(_, Some(_)), ColumnType::Timestamp { utc: false, .. }) => {
            format!("write `zone = \"UTC\"`, or cast: `cast(.. as timestamp) as {column}`")
        }
        _ => format!(
            "cast it in the query, `cast(.. as {cast}) as {column}`, or change the column's type"
        ),
    }
}

/// Names the type of a query's column in the words of a contract, where it has them.
#[must_use]
pub fn contract_type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Int32 => "int".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamp with a zone".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        other => other.to_string(),
    }
}
