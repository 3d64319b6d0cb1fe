//! Contract of a dataset: columns, types, formats, keys, references and row rules.

use std::fmt;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::Serialize;

/// Conditions that the rows of a dataset must meet to be accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contract {
    /// Format of the dataset's objects: CSV with its dialect, or Parquet.
    pub format: Format,
    /// Columns, in the order in which a file without a header holds them.
    pub columns: Vec<Column>,
    /// Columns whose values are unique together in the dataset.
    pub key: Option<Key>,
    /// Columns whose values must occur in another dataset of the same job.
    pub references: Vec<Reference>,
    /// Conditions in SQL over a single row.
    pub rules: Vec<Rule>,
    /// Minimum number of data rows, accepted or rejected, in all objects together.
    pub min_rows: u64,
}

impl Contract {
    /// Returns the Arrow schema of accepted rows, with the columns in the order of the contract.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        schema_of(&self.columns)
    }
}

/// Returns an Arrow schema with one field per column, in the order of the columns.
#[must_use]
pub fn schema_of(columns: &[Column]) -> SchemaRef {
    let fields = columns
        .iter()
        .map(|column| Field::new(&column.name, column.kind.arrow(), column.nullable))
        .collect::<Vec<_>>();
    Schema::new(fields).into()
}

/// A column of a dataset, as its contract declares it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Name of lower-case letters, digits and underscores, so that Athena can use it unquoted.
    pub name: String,
    /// Type of the column's values, with the format of their text.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// `true` if the column accepts NULL.
    pub nullable: bool,
    /// Source of the values: a field of each row, or the object's path.
    #[serde(skip_serializing_if = "Origin::is_field")]
    pub origin: Origin,
    /// Meaning of the column, for readers of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Source of a column's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A field of each row. Holds the field's name in the header or in the Parquet schema.
    Field(String),
    /// The percent-decoded value of a `name=value` folder in the object's path. Holds the folder's name.
    Path(String),
}

impl Origin {
    /// `true` if the values are fields of the rows. The JSON of a contract omits this origin.
    fn is_field(&self) -> bool {
        matches!(self, Self::Field(_))
    }
}

/// Type of a column, together with the format of its values in text files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// A 32-bit signed integer.
    Int,
    /// A 64-bit signed integer.
    Bigint,
    /// A 64-bit floating-point number.
    Double,
    /// An exact decimal number; `precision` is from 1 to 38, and `scale` is at most `precision`.
    Decimal {
        /// Number of digits in total.
        precision: u8,
        /// Number of digits after the point.
        scale: u8,
    },
    /// A date, parsed by a `strftime` pattern (default `%Y-%m-%d`).
    Date {
        /// `strftime` pattern of the text; [`TimePattern`](crate::time_pattern::TimePattern) lists the directives.
        format: String,
    },
    /// A timestamp in microseconds, parsed by a `strftime` pattern (default `%Y-%m-%d %H:%M:%S`).
    Timestamp {
        /// `strftime` pattern of the text; [`TimePattern`](crate::time_pattern::TimePattern) lists the directives.
        format: String,
        /// `true` if the timestamps are UTC (`zone = "UTC"`); `false` if they are wall-clock times without a zone.
        utc: bool,
    },
    /// A boolean. Its text must be exactly one of the listed spellings.
    Boolean {
        /// Texts that mean true (by default only `true`).
        yes: Vec<String>,
        /// Texts that mean false (by default only `false`).
        no: Vec<String>,
    },
}

impl ColumnType {
    /// Returns the Arrow type that holds the values: strings are views, timestamps are in microseconds.
    #[must_use]
    pub fn arrow(&self) -> DataType {
        match self {
            Self::String => DataType::Utf8View,
            Self::Int => DataType::Int32,
            Self::Bigint => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Decimal { precision, scale } => {
                DataType::Decimal128(*precision, scale.cast_signed())
            }
            Self::Date { .. } => DataType::Date32,
            Self::Timestamp { utc, .. } => {
                DataType::Timestamp(TimeUnit::Microsecond, utc.then(|| "UTC".into()))
            }
            Self::Boolean { .. } => DataType::Boolean,
        }
    }
}

/// Writes the name of the type as a contract and Athena spell it, without formats and spellings.
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Int => f.write_str("int"),
            Self::Bigint => f.write_str("bigint"),
            Self::Double => f.write_str("double"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Date { .. } => f.write_str("date"),
            Self::Timestamp { .. } => f.write_str("timestamp"),
            Self::Boolean { .. } => f.write_str("boolean"),
        }
    }
}

/// Format of a dataset's objects. Compression is not declared: it is detected from the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Delimited text, with its dialect.
    Csv(CsvFormat),
    /// Parquet. Its columns are matched to those of the contract by name.
    Parquet,
}

/// Dialect of delimited text: its special characters, NULL texts and encoding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CsvFormat {
    /// Byte between fields, an ASCII character (default `,`).
    pub delimiter: u8,
    /// Byte around fields that contain delimiters, quotes or line ends (default `"`). If `None`, quotes have no special
    /// meaning.
    pub quote: Option<u8>,
    /// `true` if the first line of each object holds the column names (the default).
    pub header: bool,
    /// Unquoted texts that mean NULL (by default the empty text only).
    pub nulls: Vec<String>,
    /// Character encoding (default UTF-8).
    pub encoding: Encoding,
    /// `true` if white space around unquoted fields is removed (default `false`).
    pub trim: bool,
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: Some(b'"'),
            header: true,
            nulls: vec![String::new()],
            encoding: Encoding::Utf8,
            trim: false,
        }
    }
}

/// Character encoding of delimited text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8. A byte order mark at the start is skipped.
    #[default]
    Utf8,
    /// ISO-8859-1. Each byte is the Unicode code point of the same number.
    Latin1,
    /// Windows-1252. Its five undefined bytes are invalid.
    Windows1252,
}

/// Columns whose values are unique together: no two rows have the same values in all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Names of the columns whose values are unique together.
    pub columns: Vec<String>,
    /// Consequence for each row that repeats the key of an earlier row. Rows are ordered by file name, then by line.
    pub severity: Severity,
}

/// Columns whose values must occur in another dataset of the job. A row with NULL in any of them refers to nothing and
/// is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Names of the columns that refer to another dataset.
    pub columns: Vec<String>,
    /// Name of the dataset in which the values must occur.
    pub dataset: String,
    /// Names of columns of `dataset`: one for each name in `columns`, in the same order.
    pub to: Vec<String>,
    /// Consequence for a row whose values do not occur in `dataset`.
    pub severity: Severity,
}

impl Reference {
    /// Returns the name under which quarantine and reports list broken references, for example `user_id references
    /// users`.
    #[must_use]
    pub fn rule(&self) -> String {
        format!("{} references {}", self.columns.join(", "), self.dataset)
    }
}

/// Condition in SQL over the columns of one row. A row for which it is false or NULL breaks the rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Name of the rule; it matches `[a-z][a-z0-9_]*` and is unique in the dataset.
    pub name: String,
    /// Boolean SQL expression over the dataset's own columns.
    pub sql: String,
    /// Consequence for a row that breaks the rule.
    pub severity: Severity,
}

/// Consequence for a row that breaks a rule, a key or a reference, or for a run whose check does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The row is quarantined, or the check fails the run.
    #[default]
    Reject,
    /// The row is accepted and counted, or the failed check is only reported.
    Warn,
}
