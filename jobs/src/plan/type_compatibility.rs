//! Decides whether a query's column fits the type of the contract without a cast in the SQL.

use arrow::datatypes::DataType;

use crate::contract::ColumnType;

/// `true` if a column of type `to` can hold values of type `from`, unchanged or after a cast that either keeps every
/// value or fails.
///
/// Strings fit `string`. Integers and decimals fit `int`, `bigint`, `decimal` and `double`. Floating-point numbers fit
/// only `double`. Values of other types fit only their own type. A zone is never added or removed.
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

/// Returns the hint about a query column of type `from` that the contract's column of type `to` cannot hold.
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
            "floating-point numbers are not exact: compute in decimals, for example with `ratio(a, b, {scale})`, or write `cast(.. as {cast}) as {column}`"
        ),
        (DataType::Timestamp(_, Some(_)), ColumnType::Timestamp { utc: false, .. }) => {
            format!(
                "add `zone = \"UTC\"` to the column, or write `cast(.. as timestamp) as {column}` in the query"
            )
        }
        _ => format!(
            "write `cast(.. as {cast}) as {column}` in the query, or change the column's type"
        ),
    }
}

/// Returns the name of an Arrow type as a contract spells it, or Arrow's own name if a contract has no such type.
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
