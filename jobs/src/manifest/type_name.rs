//! Parses the names of types, such as `decimal(12,2)`.

use crate::contract::ColumnType;
use crate::suggestion::nearest;

/// Problem with the name of a type, and the type that was most likely meant.
pub(super) struct TypeNameError {
    /// Description of the problem, as in [`Problem`](crate::problem::Problem).
    pub(super) message: String,
    /// The hint: the type to write instead.
    pub(super) hint: String,
    /// Type that was most likely meant. The rest of the column is checked as if it had this type.
    pub(super) guess: ColumnType,
}

/// Parses the name of a type, without `not null`.
pub(super) fn parse(name: &str) -> Result<ColumnType, TypeNameError> {
    if let Some(kind) = plain(name) {
        return Ok(kind);
    }
    let Some(digits) = name.strip_prefix("decimal") else {
        return Err(unknown(name));
    };
    match numbers(digits.trim()) {
        Some((precision, scale)) if (1..=38).contains(&precision) && scale <= precision => {
            Ok(ColumnType::Decimal { precision, scale })
        }
        Some((precision, scale)) => Err(TypeNameError {
            message: format!("`decimal({precision},{scale})` is not a valid type"),
            hint: "write `decimal(p,s)`: `p` is the number of digits in total, from 1 to 38, and `s` the number of digits after the point".to_owned(),
            guess: MONEY,
        }),
        None => Err(TypeNameError {
            message: format!("`{name}` is not a valid decimal type"),
            hint: "write `decimal(12,2)` for 12 digits in total, 2 of them after the point".to_owned(),
            guess: MONEY,
        }),
    }
}

/// Type that is assumed if the number of digits of a decimal is missing or invalid.
const MONEY: ColumnType = ColumnType::Decimal {
    precision: 12,
    scale: 2,
};

/// Returns the type with this name, `None` for `decimal` and unknown names.
fn plain(name: &str) -> Option<ColumnType> {
    Some(match name {
        "string" => ColumnType::String,
        "int" => ColumnType::Int,
        "bigint" => ColumnType::Bigint,
        "double" => ColumnType::Double,
        "date" => ColumnType::Date {
            format: DATE.to_owned(),
        },
        "timestamp" => ColumnType::Timestamp {
            format: TIMESTAMP.to_owned(),
            utc: false,
        },
        "boolean" => ColumnType::Boolean {
            yes: vec!["true".to_owned()],
            no: vec!["false".to_owned()],
        },
        _ => return None,
    })
}

/// Pattern of dates in columns and parameters without a `format`.
const DATE: &str = "%Y-%m-%d";
/// Pattern of timestamps in columns and parameters without a `format`.
const TIMESTAMP: &str = "%Y-%m-%d %H:%M:%S";

/// Parses precision and scale from a text such as `(12,2)`.
fn numbers(text: &str) -> Option<(u8, u8)> {
    let (precision, scale) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}

/// Builds the error about an unknown name. Its hint suggests the type that other databases call by this name, or else
/// the type with the most similar name.
fn unknown(name: &str) -> TypeNameError {
    let lower = name.to_lowercase();
    let base = lower.split(['(', ' ']).next().unwrap_or_default();
    let meant = match base {
        "text" | "varchar" | "char" | "str" | "utf8" => Some("string"),
        "integer" | "int32" | "int4" | "smallint" | "tinyint" => Some("int"),
        "long" | "int64" | "int8" => Some("bigint"),
        "float" | "float64" | "real" | "float8" => Some("double"),
        "numeric" | "number" | "money" => Some("decimal(12,2)"),
        "datetime" | "timestamptz" => Some("timestamp"),
        "bool" => Some("boolean"),
        _ => nearest(base, TYPES),
    };
    TypeNameError {
        message: format!("unknown type `{name}`"),
        hint: match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "valid types are `string`, `int`, `bigint`, `double`, `decimal(p,s)`, `date`, `timestamp` and `boolean`; in a column, `not null` may follow".to_owned(),
        },
        guess: match meant {
            Some("decimal(12,2)" | "decimal") => MONEY,
            Some(name) => plain(name).unwrap_or(ColumnType::String),
            None => ColumnType::String,
        },
    }
}

/// Names of all types, from which a similar name is suggested.
const TYPES: [&str; 8] = [
    "string",
    "int",
    "bigint",
    "double",
    "decimal",
    "date",
    "timestamp",
    "boolean",
];
