//! Decodes one column of a batch of records into an Arrow array.

use std::fmt::Display;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, NullBufferBuilder, PrimitiveArray, StringViewBuilder,
};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use drivetrain_jobs::contract::{Column, ColumnType, CsvFormat};

use crate::source::bytes::encoding::{Text, encode};
use crate::source::csv::number_parser::{self, NotANumber};
use crate::source::csv::record_splitter::Records;
use crate::source::csv::time_parser::TimeParser;
use crate::source::row_faults::{RowFaults, rule};
use crate::{Error, ErrorKind, Result};

/// The decoder of one column: its type, the spellings of NULL, and whether fields are trimmed.
#[derive(Clone, Debug)]
pub(crate) struct ColumnReader {
    /// The column's name, for faults.
    name: Arc<str>,
    /// The type as the contract writes it, for faults.
    type_name: String,
    /// The decoder of the column's type.
    kind: ValueDecoder,
    /// `true` if the column may be NULL.
    nullable: bool,
    /// The spellings of NULL, in the bytes of the declared encoding.
    nulls: Vec<Vec<u8>>,
    /// Whether to remove ASCII white space around unquoted fields.
    trim: bool,
}

/// The type of a column, with limits, patterns and spellings prepared once per dataset.
#[derive(Clone, Debug)]
enum ValueDecoder {
    /// Text, kept as it is.
    String,
    /// A 32-bit integer.
    Int,
    /// A 64-bit integer.
    Bigint,
    /// A finite 64-bit floating-point number.
    Double,
    /// An exact decimal number.
    Decimal {
        /// The largest number of digits.
        precision: u8,
        /// The largest number of digits after the decimal point.
        scale: u8,
        /// The smallest unscaled value that has too many digits: 10 to the power of `precision`.
        limit: i128,
    },
    /// A date in the contract's pattern.
    Date(TimeParser),
    /// A date and time in the contract's pattern, in microseconds.
    Timestamp {
        /// The contract's pattern.
        pattern: TimeParser,
        /// `true` if the values carry the time zone UTC.
        utc: bool,
    },
    /// A boolean in one of the contract's spellings.
    Boolean {
        /// The spellings of true.
        yes: Vec<Vec<u8>>,
        /// The spellings of false.
        no: Vec<Vec<u8>>,
    },
}

/// The fields of one column of a batch.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'a> {
    /// The block that contains the fields.
    pub(crate) text: &'a Text<'a>,
    /// The records of the batch.
    pub(crate) records: &'a Records,
    /// The position of the column in each record.
    pub(crate) index: usize,
}

/// The reason why a text is not a value of its column's type.
enum Wrong {
    /// The text does not have the syntax of the type.
    Shape,
    /// The value is outside the type's range.
    Range,
    /// The value has this many digits after the decimal point, more than the type allows.
    Decimals(usize),
}

impl From<NotANumber> for Wrong {
    fn from(why: NotANumber) -> Self {
        match why {
            NotANumber::Shape => Self::Shape,
            NotANumber::Range => Self::Range,
            NotANumber::Decimals(found) => Self::Decimals(found),
        }
    }
}

impl ColumnReader {
    /// Prepares the decoder of a column for a CSV format.
    ///
    /// # Errors
    /// `Usage` if a time pattern is invalid, or a spelling cannot be written in the declared encoding.
    pub(crate) fn new(column: &Column, format: &CsvFormat) -> Result<Self> {
        let spell = |text: &String| {
            encode(text, format.encoding).ok_or_else(|| {
                unusable(
                    column,
                    format!(
                        "the text `{text}`, listed under `true`, `false` or `nulls`, cannot be written in the input's encoding; correct the text, or set `encoding` to that of the files"
                    ),
                )
            })
        };
        let spell_all = |texts: &[String]| texts.iter().map(spell).collect::<Result<Vec<_>>>();
        let pattern = |format: &str| {
            TimeParser::new(format).map_err(|error| {
                unusable(column, format!("pattern `{format}` is invalid: {error}"))
            })
        };
        let kind = match &column.kind {
            ColumnType::String => ValueDecoder::String,
            ColumnType::Int => ValueDecoder::Int,
            ColumnType::Bigint => ValueDecoder::Bigint,
            ColumnType::Double => ValueDecoder::Double,
            ColumnType::Decimal { precision, scale } => ValueDecoder::Decimal {
                precision: *precision,
                scale: *scale,
                limit: 10_i128.pow(u32::from(*precision)),
            },
            ColumnType::Date { format } => ValueDecoder::Date(pattern(format)?),
            ColumnType::Timestamp { format, utc } => ValueDecoder::Timestamp {
                pattern: pattern(format)?,
                utc: *utc,
            },
            ColumnType::Boolean { yes, no } => ValueDecoder::Boolean {
                yes: spell_all(yes)?,
                no: spell_all(no)?,
            },
        };
        Ok(Self {
            name: column.name.as_str().into(),
            type_name: column.kind.to_string(),
            kind,
            nullable: column.nullable,
            nulls: spell_all(&format.nulls)?,
            trim: format.trim,
        })
    }

    /// Decodes the column's fields. A field without a valid value becomes NULL and adds a fault to its row.
    pub(crate) fn decode(&self, cells: Cells<'_>, faults: &mut RowFaults) -> ArrayRef {
        match &self.kind {
            ValueDecoder::String => self.strings(cells, faults),
            ValueDecoder::Int => {
                let parse = |text: &[u8]| {
                    i32::try_from(number_parser::integer(text)?).or(Err(Wrong::Range))
                };
                Arc::new(self.primitive::<Int32Type>(cells, faults, parse)) as ArrayRef
            }
            ValueDecoder::Bigint => {
                let parse = |text: &[u8]| Ok(number_parser::integer(text)?);
                Arc::new(self.primitive::<Int64Type>(cells, faults, parse))
            }
            ValueDecoder::Double => {
                let parse = |text: &[u8]| Ok(number_parser::double(text)?);
                Arc::new(self.primitive::<Float64Type>(cells, faults, parse))
            }
            ValueDecoder::Decimal {
                precision,
                scale,
                limit,
            } => {
                let decimals = usize::from(*scale);
                let parse = |text: &[u8]| Ok(number_parser::decimal(text, *limit, decimals)?);
                let array = self.primitive::<Decimal128Type>(cells, faults, parse);
                let scale = i8::try_from(*scale).expect("a scale is at most 38");
                Arc::new(
                    array.with_precision_and_scale(*precision, scale).expect(
                        "the contract was checked: 1 <= precision <= 38, scale <= precision",
                    ),
                )
            }
            ValueDecoder::Date(pattern) => {
                let parse = |text: &[u8]| pattern.date(text).ok_or(Wrong::Shape);
                Arc::new(self.primitive::<Date32Type>(cells, faults, parse))
            }
            ValueDecoder::Timestamp { pattern, utc } => {
                let parse = |text: &[u8]| pattern.timestamp(text).ok_or(Wrong::Shape);
                let array = self.primitive::<TimestampMicrosecondType>(cells, faults, parse);
                Arc::new(array.with_timezone_opt(utc.then_some("UTC")))
            }
            ValueDecoder::Boolean { yes, no } => self.booleans(cells, faults, yes, no),
        }
    }

    /// Decodes one text that applies to every row of an object, such as the value of a path column.
    ///
    /// # Errors
    /// The message of the fault if the text is not a valid value.
    pub(crate) fn decode_one(&self, text: Option<&str>) -> std::result::Result<ArrayRef, String> {
        let raw = text.unwrap_or_default().as_bytes();
        let text_block = Text::new(raw, drivetrain_jobs::contract::Encoding::Utf8);
        let mut records = Records::new(1);
        records.push_single(raw.len());
        let mut faults = RowFaults::new(1);
        let reader = Self {
            // In a path only Hive's placeholder means NULL, and the caller turns it into `None`.
            nulls: if text.is_none() {
                vec![Vec::new()]
            } else {
                Vec::new()
            },
            ..self.clone()
        };
        let cells = Cells {
            text: &text_block,
            records: &records,
            index: 0,
        };
        let array = reader.decode(cells, &mut faults);
        match faults.into_first() {
            Some(message) => Err(message),
            None => Ok(array),
        }
    }

    /// Decodes fields of a type whose values have a fixed width.
    #[inline]
    fn primitive<T: ArrowPrimitiveType>(
        &self,
        cells: Cells<'_>,
        faults: &mut RowFaults,
        parse: impl Fn(&[u8]) -> std::result::Result<T::Native, Wrong>,
    ) -> PrimitiveArray<T> {
        let rows = cells.records.list.len();
        let mut values = Vec::with_capacity(rows);
        let mut validity = NullBufferBuilder::new(rows);
        for row in 0..rows {
            match self.content(cells, row) {
                Some(text) => match parse(text) {
                    Ok(value) => {
                        values.push(value);
                        validity.append_non_null();
                        continue;
                    }
                    Err(wrong) => self.fault(cells, row, faults, &wrong),
                },
                None => self.missing(row, faults),
            }
            values.push(T::Native::default());
            validity.append_null();
        }
        PrimitiveArray::new(values.into(), validity.finish())
    }

    /// Decodes text fields. UTF-8 without doubled quotes is copied only once, from the block into the array.
    fn strings(&self, cells: Cells<'_>, faults: &mut RowFaults) -> ArrayRef {
        let rows = cells.records.list.len();
        // Values of up to 12 bytes are stored in the views themselves; one buffer of the right size takes the others.
        let long = (0..rows)
            .map(|row| cells.field(row).range().len())
            .filter(|length| *length > 12)
            .sum::<usize>();
        let mut builder = StringViewBuilder::with_capacity(rows)
            .with_fixed_block_size(u32::try_from(long.max(1)).unwrap_or(u32::MAX));
        let plain = cells.text.plain();
        for row in 0..rows {
            let Some(bytes) = self.content(cells, row) else {
                self.missing(row, faults);
                builder.append_null();
                continue;
            };
            let field = cells.field(row);
            match plain {
                Some(text) if !field.has_doubled_quotes() => {
                    let value = &text[field.range()];
                    builder.append_value(if bytes.len() == value.len() {
                        value
                    } else {
                        value.trim_ascii()
                    });
                }
                _ => {
                    let value = cells.value(row);
                    builder.append_value(if field.is_quoted() || !self.trim {
                        &*value
                    } else {
                        value.trim_ascii()
                    });
                }
            }
        }
        Arc::new(builder.finish())
    }

    /// Decodes fields by comparing them with the spellings of true and false.
    fn booleans(
        &self,
        cells: Cells<'_>,
        faults: &mut RowFaults,
        yes: &[Vec<u8>],
        no: &[Vec<u8>],
    ) -> ArrayRef {
        let rows = cells.records.list.len();
        let mut builder = BooleanBuilder::with_capacity(rows);
        for row in 0..rows {
            let Some(text) = self.content(cells, row) else {
                self.missing(row, faults);
                builder.append_null();
                continue;
            };
            if yes.iter().any(|spelling| spelling == text) {
                builder.append_value(true);
            } else if no.iter().any(|spelling| spelling == text) {
                builder.append_value(false);
            } else {
                self.fault(cells, row, faults, &Wrong::Shape);
                builder.append_null();
            }
        }
        Arc::new(builder.finish())
    }

    /// Returns the bytes of a field, or `None` for NULL. A quoted field is never NULL and never trimmed.
    #[inline]
    fn content<'a>(&self, cells: Cells<'a>, row: usize) -> Option<&'a [u8]> {
        let field = cells.field(row);
        let mut text = &cells.text.raw()[field.range()];
        if field.is_quoted() {
            return Some(text);
        }
        if self.trim {
            text = text.trim_ascii();
        }
        match self.nulls.as_slice() {
            [null] if null.is_empty() => (!text.is_empty()).then_some(text),
            nulls => (!nulls.iter().any(|null| null == text)).then_some(text),
        }
    }

    /// Handles a NULL: records a fault if the column must not be NULL.
    #[inline]
    fn missing(&self, row: usize, faults: &mut RowFaults) {
        if !self.nullable {
            faults.add(row, Some(&self.name), rule::NOT_NULL, || {
                format!("expected {}, got NULL", self.type_name)
            });
        }
    }

    /// Records the fault of a field that is not a valid value. Faults are rare, so this code is kept out of the
    /// decoding loops.
    #[cold]
    fn fault(&self, cells: Cells<'_>, row: usize, faults: &mut RowFaults, wrong: &Wrong) {
        faults.add(row, Some(&self.name), rule::TYPE, || {
            let expected = self.expected();
            let got = shorten(&cells.value(row));
            match wrong {
                Wrong::Shape => format!("expected {expected}, got `{got}`"),
                Wrong::Range => format!("expected {expected}, got `{got}`, which is out of range"),
                Wrong::Decimals(found) => {
                    format!(
                        "expected {expected}, got `{got}`, which has {found} digits after the decimal point"
                    )
                }
            }
        });
    }

    /// Describes the values that the column accepts, for a fault.
    fn expected(&self) -> String {
        let list = |texts: &[Vec<u8>]| {
            texts
                .iter()
                .map(|text| format!("`{}`", String::from_utf8_lossy(text)))
                .collect::<Vec<_>>()
                .join(" or ")
        };
        match &self.kind {
            ValueDecoder::Boolean { yes, no } => format!("{} or {}", list(yes), list(no)),
            ValueDecoder::Date(pattern) | ValueDecoder::Timestamp { pattern, .. } => {
                format!("a {} in the format `{}`", self.type_name, pattern.text())
            }
            _ => self.type_name.clone(),
        }
    }
}

impl Cells<'_> {
    /// Returns the span of a row's field.
    #[inline]
    fn field(&self, row: usize) -> crate::source::csv::record_grammar::FieldSpan {
        self.records.field(row, self.index)
    }

    /// Decodes a field to characters, with one quote in place of each doubled quote.
    fn value(&self, row: usize) -> std::borrow::Cow<'_, str> {
        let field = self.field(row);
        let text = self.text.slice(field.range());
        if !field.has_doubled_quotes() {
            return text;
        }
        // The byte after a quoted field is its closing quote.
        let quote = char::from(self.text.raw()[field.range().end]);
        let doubled = String::from_iter([quote, quote]);
        text.replace(&doubled, quote.encode_utf8(&mut [0; 4]))
            .into()
    }
}

/// Truncates a value to 80 characters for a message.
pub(crate) fn shorten(value: &str) -> String {
    /// The number of characters after which a value is cut.
    const SHOWN_CHARACTERS: usize = 80;
    match value.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// Builds the error for a column that cannot be decoded as its contract says; `why` is the reason.
fn unusable(column: &Column, why: impl Display) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("column `{}` cannot be read: {why}", column.name),
    )
}
