//! What a dataset looks like: columns, types, formats, keys, references and row rules.

use std::fmt;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::Serialize;

/// Says what one dataset's rows must look like to be accepted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contract {
    /// How the bytes of the dataset's objects are read.
    pub format: Format,
    /// The columns, in the order in which a header-less file holds them.
    pub columns: Vec<Column>,
    /// Columns whose values together occur once in the dataset.
    pub key: Option<Key>,
    /// Columns whose values must occur in another dataset of the same job.
    pub references: Vec<Reference>,
    /// Conditions in SQL over one row.
    pub rules: Vec<Rule>,
    /// The least number of data rows (accepted or not) that all objects together hold.
    pub min_rows: u64,
}

impl Contract {
    /// The Arrow schema in which accepted rows are handed on, columns in contract order.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        schema_of(&self.columns)
    }
}

/// The Arrow schema of a list of columns.
#[must_use]
pub fn schema_of(columns: &[Column]) -> SchemaRef {
    let fields = columns
        .iter()
        .map(|column| Field::new(&column.name, column.kind.arrow(), column.nullable))
        .collect::<Vec<_>>();
    Schema::new(fields).into()
}

/// One column of a contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Lower case letters, digits and underscores, so that Athena reads it as it is.
    pub name: String,
    /// The type of the column's values.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Whether NULL is accepted.
    pub nullable: bool,
    /// Where the value is found.
    #[serde(skip_serializing_if = "Origin::is_field")]
    pub origin: Origin,
    /// What the column means, for a reader of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Where a column's value is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A field of the record, under this name in the header (or the Parquet schema).
    Field(String),
    /// A `name=value` folder of the object's key, percent-decoded.
    Path(String),
}

impl Origin {
    fn is_field(&self) -> bool {
        matches!(self, Self::Field(_))
    }
}

/// The type of a column: how its text is read, how Arrow holds it, what Athena calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// UTF-8 text.
    String,
    /// A 32-bit signed integer.
    Int,
    /// A 64-bit signed integer.
    Bigint,
    /// A 64-bit floating point number.
    Double,
    /// An exact decimal of `precision` digits, `scale` of them after the point; 1 <= precision <= 38, scale <= precision.
    Decimal {
        /// All digits.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// A day, read by a `strftime` pattern (default `%Y-%m-%d`).
    Date {
        /// The pattern of the text.
        format: String,
    },
    /// A moment in microseconds, read by a `strftime` pattern (default `%Y-%m-%d %H:%M:%S`).
    Timestamp {
        /// The pattern of the text.
        format: String,
        /// Whether the moments are UTC (`zone = "UTC"`); without it they are wall-clock times of no zone.
        utc: bool,
    },
    /// A truth value, by its spellings (compared exactly).
    Boolean {
        /// Texts that mean true (default `true`).
        yes: Vec<String>,
        /// Texts that mean false (default `false`).
        no: Vec<String>,
    },
}

impl ColumnType {
    /// The Arrow type in which values are held: strings as views, timestamps in microseconds.
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

/// The name of the type as a contract and Athena write it, without formats and spellings.
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

/// How the bytes of a dataset's objects are read; compression is found by content, not declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Delimited text.
    Csv(CsvFormat),
    /// Parquet, columns matched by name.
    Parquet,
}

/// The dialect of delimited text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CsvFormat {
    /// The byte between fields, an ASCII character (default `,`).
    pub delimiter: u8,
    /// The byte around fields that hold delimiters, quotes or line ends (default `"`); `None`: quotes mean nothing.
    pub quote: Option<u8>,
    /// Whether the first record of each object names the columns (default true).
    pub header: bool,
    /// Unquoted texts that mean NULL (default: the empty text only).
    pub nulls: Vec<String>,
    /// The character encoding (default UTF-8).
    pub encoding: Encoding,
    /// Whether white space around unquoted fields is dropped (default false).
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

/// A character encoding of delimited text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8; a byte order mark at the start is skipped.
    #[default]
    Utf8,
    /// ISO-8859-1: each byte is the character of that number.
    Latin1,
    /// Windows-1252; its five undefined bytes are faults.
    Windows1252,
}

/// Columns whose values together occur once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Names of columns of the dataset.
    pub columns: Vec<String>,
    /// What a second row of the same key is; the first by file name, then line, is kept.
    pub severity: Severity,
}

/// Columns whose values must occur in another dataset of the job; a NULL in any of them refers to nothing and is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Names of columns of this dataset.
    pub columns: Vec<String>,
    /// The input that is referred to.
    pub dataset: String,
    /// The columns there, as many, in the same order.
    pub to: Vec<String>,
    /// What a row is whose reference leads nowhere.
    pub severity: Severity,
}

impl Reference {
    /// The rule's name in quarantine and reports: `user_id references users`.
    #[must_use]
    pub fn rule(&self) -> String {
        format!("{} references {}", self.columns.join(", "), self.dataset)
    }
}

/// A condition in SQL over one row's columns; a row for which it is not true (also NULL) breaks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Unique in the dataset, `[a-z][a-z0-9_]*`.
    pub name: String,
    /// A boolean SQL expression over the dataset's own columns.
    pub sql: String,
    /// What a row that breaks the rule is.
    pub severity: Severity,
}

/// What a row that breaks a rule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is quarantined.
    #[default]
    Reject,
    /// It is accepted and counted.
    Warn,
}
