//! Locates the contract's columns in an object: by the header, by position, or in the object's path.

use std::sync::Arc;

use arrow::array::ArrayRef;
use drivetrain_jobs::contract::{Contract, Origin};
use percent_encoding::percent_decode_str;

use crate::error::in_line;
use crate::source::bytes::encoding::Text;
use crate::source::csv::column_decoder::ColumnReader;
use crate::source::csv::record_grammar::{Beyond, Outcome, read_record};
use crate::source::decode_plan::DatasetPlan;
use crate::source::header_hint::{Mismatch, hint_of_broken};
use crate::{Error, ErrorKind, Result};

/// The value of a partition folder that means NULL, as Hive writes it.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The location of each of a contract's columns in one object.
#[derive(Debug)]
pub(crate) struct ColumnLayout {
    /// The number of fields per record.
    pub(crate) width: usize,
    /// The location of each column's values, in the order of the contract.
    pub(crate) places: Vec<FieldPlace>,
    /// The names of the fields, for messages.
    pub(crate) names: Vec<Arc<str>>,
    /// The names in the header that are not columns of the contract.
    pub(crate) extra: Vec<String>,
}

/// The location of a column's values: a field of each record, or a constant from the object's path.
#[derive(Debug)]
pub(crate) enum FieldPlace {
    /// The index of the field in a record.
    Field(usize),
    /// The value of a path column, as an array of one row; it applies to every row of the object.
    Constant(ArrayRef),
}

/// A header that was read from the beginning of an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The column names, in the order of the fields.
    pub(crate) names: Vec<String>,
    /// The position of the first byte after the header.
    pub(crate) end: usize,
    /// The number of lines that the header and the blank lines before it span.
    pub(crate) lines: u64,
}

/// Reads the header at the beginning of a text, after any blank lines.
///
/// # Errors
/// `QualityGate` if the header is broken or not in the declared encoding.
pub(crate) fn read_header(
    plan: &DatasetPlan,
    file: &str,
    raw: &[u8],
    beyond: Beyond,
) -> Result<HeaderRead> {
    let mut start = 0;
    while let [b'\n' | b'\r', ..] = &raw[start..] {
        start += 1;
    }
    if start == raw.len() {
        return Ok(HeaderRead::Nothing);
    }
    let mut fields = Vec::new();
    let (content_end, end) = match read_record(raw, start, plan.dialect, beyond, &mut fields) {
        Outcome::Whole { content_end, end } => (content_end, end),
        Outcome::Open => return Ok(HeaderRead::Open),
        Outcome::Broken { .. } => {
            return Err(Error::new(
                ErrorKind::QualityGate,
                format!(
                    "the header of `{file}` has an unclosed quote or text after a closing quote, or is longer than 1 MiB"
                ),
            )
            .hint(hint_of_broken(&raw[start..], plan.csv.delimiter)));
        }
    };
    let text = Text::new(&raw[..end], plan.csv.encoding);
    if text.fault_in(start..content_end).is_some() {
        return Err(Error::new(
            ErrorKind::QualityGate,
            format!("the header of `{file}` has bytes that are invalid in the contract's encoding"),
        )
        .hint("set `encoding` in the contract to the encoding of the file"));
    }
    let names = fields
        .into_iter()
        .map(|field| {
            let name = text.slice(field.range());
            let name = if plan.csv.trim { name.trim() } else { &name };
            match plan.csv.quote {
                Some(quote) if field.has_doubled_quotes() => {
                    let quote = char::from(quote).to_string();
                    name.replace(&quote.repeat(2), &quote)
                }
                _ => name.to_owned(),
            }
        })
        .collect();
    let lines = memchr::memchr_iter(b'\n', &raw[..end]).count() as u64;
    Ok(HeaderRead::Header(Header { names, end, lines }))
}

/// The result of reading a header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderRead {
    /// The text contains nothing but blank lines.
    Nothing,
    /// The text ends inside the header.
    Open,
    /// A complete header.
    Header(Header),
}

impl ColumnLayout {
    /// Finds each column of the contract in a header by its name.
    ///
    /// # Errors
    /// `QualityGate` if a column is missing or duplicate, or a path column is missing or has an invalid value.
    pub(crate) fn by_name(
        plan: &DatasetPlan,
        file: &str,
        folders: &[&str],
        header: &[String],
    ) -> Result<Self> {
        let mut missing = Vec::new();
        let mut places = Vec::new();
        for (column, reader) in plan.contract.columns.iter().zip(&plan.readers) {
            match &column.origin {
                Origin::Path(name) => {
                    places.push(FieldPlace::Constant(path_value(
                        reader, file, folders, name,
                    )?));
                }
                Origin::Field(name) => {
                    let mut found = header
                        .iter()
                        .enumerate()
                        .filter(|(_, field)| *field == name);
                    match (found.next(), found.next()) {
                        (Some((index, _)), None) => places.push(FieldPlace::Field(index)),
                        (None, _) => missing.push(name.as_str()),
                        (Some(_), Some(_)) => {
                            return Err(Error::new(
                                ErrorKind::QualityGate,
                                format!(
                                    "the header of `{file}` has column `{}` more than once",
                                    in_line(name)
                                ),
                            )
                            .hint("rename or remove one of these columns in the file"));
                        }
                    }
                }
            }
        }
        if !missing.is_empty() {
            let mismatch = Mismatch {
                missing: &missing,
                found: header,
                has_others: places
                    .iter()
                    .any(|place| matches!(place, FieldPlace::Field(_))),
            };
            return Err(missing_columns(file, &mismatch).hint(mismatch.hint_of_text()));
        }
        Ok(Self {
            width: header.len(),
            places,
            names: header.iter().map(|name| name.as_str().into()).collect(),
            extra: extra(&plan.contract, header),
        })
    }

    /// Assigns the fields of an object without a header to the contract's columns, in order.
    ///
    /// # Errors
    /// `QualityGate` if a path column is missing or has an invalid value.
    pub(crate) fn by_position(plan: &DatasetPlan, file: &str, folders: &[&str]) -> Result<Self> {
        let names = plan
            .contract
            .columns
            .iter()
            .filter_map(|column| match &column.origin {
                Origin::Field(name) => Some(name.clone()),
                Origin::Path(_) => None,
            })
            .collect::<Vec<_>>();
        Self::by_name(plan, file, folders, &names)
    }
}

/// Returns the names in a header that are not columns of the contract.
pub(crate) fn extra(contract: &Contract, header: &[String]) -> Vec<String> {
    let known = |name: &&String| {
        contract
            .columns
            .iter()
            .any(|column| matches!(&column.origin, Origin::Field(field) if field == *name))
    };
    header.iter().filter(|name| !known(name)).cloned().collect()
}

/// Builds the error for an object that lacks columns of the contract.
pub(crate) fn missing_columns(file: &str, mismatch: &Mismatch<'_>) -> Error {
    // A name may contain line ends and any other bytes of the file.
    let shown = |name: &str| {
        format!(
            "`{}`",
            in_line(&crate::source::csv::column_decoder::shorten(name))
        )
    };
    let found: Vec<String> = mismatch
        .found
        .iter()
        .map(|name| shown(name))
        .take(50)
        .collect();
    let missing: Vec<String> = mismatch.missing.iter().map(|name| shown(name)).collect();
    Error::new(
        ErrorKind::QualityGate,
        format!(
            "`{file}` lacks the contract's column{} {}; the file has {}",
            if missing.len() == 1 { "" } else { "s" },
            missing.join(", "),
            found.join(", ")
        ),
    )
}

/// Decodes the value of the folder `name=value` to an array of one row. If several folders have the name, the innermost
/// counts.
///
/// # Errors
/// `QualityGate` if there is no such folder, or its value is invalid for the column's type.
pub(crate) fn path_value(
    reader: &ColumnReader,
    file: &str,
    folders: &[&str],
    name: &str,
) -> Result<ArrayRef> {
    let value = folders.iter().rev().find_map(|folder| {
        let (key, value) = folder.split_once('=')?;
        (percent_decode_str(key).decode_utf8_lossy() == name).then_some(value)
    });
    let Some(value) = value else {
        return Err(Error::new(
            ErrorKind::QualityGate,
            format!(
                "the path of `{file}` has no folder `{name}=<value>`, which the contract requires"
            ),
        )
        .hint(format!(
            "move the file to a folder `{name}=<value>`, or correct the column's `path` in the contract"
        )));
    };
    let decoded = percent_decode_str(value).decode_utf8().map_err(|error| {
        Error::new(
            ErrorKind::QualityGate,
            format!("the value of the folder `{name}={value}` in the path of `{file}` is not valid UTF-8 after percent-decoding: {error}"),
        )
        .hint("rename the folder: percent-encode the UTF-8 bytes of the value, for example `%C3%A9` for `é`")
    })?;
    let text = (value != HIVE_NULL).then_some(&*decoded);
    reader.decode_one(text).map_err(|message| {
        Error::new(
            ErrorKind::QualityGate,
            format!("folder `{name}={value}` in the path of `{file}`: {message}"),
        )
    })
}
