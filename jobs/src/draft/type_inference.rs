//! Infers a column's likely type from sample values, for a drafted contract that a person corrects. Runs never infer
//! types.

use crate::contract::ColumnType;
use crate::value_parser;

/// Likely type of a column, which a drafted contract declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferredType {
    /// Type of which every sample value is a valid value.
    pub kind: ColumnType,
    /// `true` if a sample value is missing.
    pub nullable: bool,
    /// Remark for the person who corrects the draft; `None` if the type is not in doubt.
    pub remark: Option<String>,
}

/// Infers a column's type from sample values. `None` stands for an empty, unquoted field.
#[must_use]
pub fn infer_type(values: &[Option<&str>]) -> InferredType {
    let texts = values.iter().flatten().copied().collect::<Vec<_>>();
    let nullable = texts.len() < values.len();
    if texts.is_empty() {
        let remark =
            Some("the sample has no value of this column, so the type is a guess".to_owned());
        return InferredType {
            kind: ColumnType::String,
            nullable: true,
            remark,
        };
    }
    let (kind, remark) = booleans(&texts)
        .or_else(|| numbers(&texts))
        .or_else(|| times(&texts))
        .unwrap_or_else(|| (ColumnType::String, codes(&texts)));
    InferredType {
        kind,
        nullable,
        remark,
    }
}

/// A type, and a remark if the type is in doubt.
type TypeAndRemark = (ColumnType, Option<String>);

/// Pairs of spellings of true and false, each with a remark if the pair may mean something else.
const SPELLINGS: [(&str, &str, Option<&str>); 8] = [
    ("true", "false", None),
    ("True", "False", None),
    ("TRUE", "FALSE", None),
    ("yes", "no", None),
    ("Y", "N", None),
    ("y", "n", None),
    ("t", "f", None),
    (
        "1",
        "0",
        Some("the type may also be a number: the sample has only 0 and 1"),
    ),
];

/// Returns a boolean type if the values are the two spellings of one pair.
fn booleans(texts: &[&str]) -> Option<TypeAndRemark> {
    let (yes, no, remark) = SPELLINGS.into_iter().find(|(yes, no, _)| {
        texts.iter().all(|text| text == yes || text == no)
            // A column with only one of the two spellings may mean something else: ones may be counts.
            && texts.contains(yes)
            && texts.contains(no)
    })?;
    let kind = ColumnType::Boolean {
        yes: vec![yes.to_owned()],
        no: vec![no.to_owned()],
    };
    Some((kind, remark.map(str::to_owned)))
}

/// Returns a type of numbers if all values are whole numbers or decimals. Values with leading zeros or an exponent
/// count as codes, not as numbers.
fn numbers(texts: &[&str]) -> Option<TypeAndRemark> {
    let (mut whole, mut scale) = (0, 0);
    for text in texts {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (before, after) = match digits.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (digits, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let code = before.len() > 1 && before.starts_with('0');
        if before.is_empty() || code || !all_digits(before) || !all_digits(after) {
            return None;
        }
        whole = whole.max(before.len());
        scale = scale.max(after.len());
    }
    if scale == 0 {
        let kind = if texts.iter().all(|text| text.parse::<i32>().is_ok()) {
            ColumnType::Int
        } else if texts.iter().all(|text| text.parse::<i64>().is_ok()) {
            ColumnType::Bigint
        } else {
            return None;
        };
        return Some((kind, None));
    }
    // The precision leaves room for numbers larger than those in the sample. Numbers with more digits than a decimal
    // holds are assumed to be measurements, for which `double` is exact enough.
    let precision = if whole + scale <= 12 {
        12
    } else if whole + scale <= 18 {
        18
    } else {
        38
    };
    if whole + scale > precision {
        return Some((
            ColumnType::Double,
            Some("the values have more digits than a decimal can hold".to_owned()),
        ));
    }
    let (precision, scale) = (u8::try_from(precision).ok()?, u8::try_from(scale).ok()?);
    Some((
        ColumnType::Decimal { precision, scale },
        Some("the precision is a guess: check the largest possible value".to_owned()),
    ))
}

/// Patterns of dates in the order in which they are tried. The second pattern of a pair swaps day and month, so that
/// both patterns may match the same text.
const PATTERNS: [(&str, Option<&str>); 9] = [
    ("%Y-%m-%d", None),
    ("%Y/%m/%d", None),
    ("%d-%m-%Y", Some("%m-%d-%Y")),
    ("%d/%m/%Y", Some("%m/%d/%Y")),
    ("%d.%m.%Y", None),
    ("%m-%d-%Y", None),
    ("%m/%d/%Y", None),
    ("%d %b %Y", None),
    ("%e-%b-%y", None),
];

/// Patterns of times that may follow the date in a timestamp, in the order in which they are tried.
const TIMES: [&str; 7] = [
    " %H:%M:%S",
    "T%H:%M:%S",
    " %H:%M",
    "T%H:%M",
    " %H:%M:%S%.f",
    "T%H:%M:%S%.f",
    "T%H:%M:%S%.f%z",
];

/// Returns a date or timestamp type if one pattern matches all values.
fn times(texts: &[&str]) -> Option<TypeAndRemark> {
    let fits = |kind: &ColumnType| {
        texts
            .iter()
            .all(|text| value_parser::parse(kind, text).is_ok())
    };
    for (pattern, other) in PATTERNS {
        let date = |pattern: &str| ColumnType::Date {
            format: pattern.to_owned(),
        };
        if fits(&date(pattern)) {
            let ambiguous = other.filter(|other| fits(&date(other)));
            return Some((date(pattern), ambiguous.map(either)));
        }
        for time in TIMES {
            let moment = |day: &str| ColumnType::Timestamp {
                format: format!("{day}{time}"),
                utc: time.ends_with("%z"),
            };
            if fits(&moment(pattern)) {
                let ambiguous = other.filter(|other| fits(&moment(other)));
                return Some((moment(pattern), ambiguous.map(either)));
            }
        }
    }
    None
}

/// Builds the remark that another pattern matches the sample as well.
fn either(other: &str) -> String {
    format!("the pattern may also be `{other}`: the sample matches both")
}

/// Returns a remark if all values consist only of digits. It explains why the type is `string` and not a number.
fn codes(texts: &[&str]) -> Option<String> {
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (texts.iter().all(digits)).then(|| {
        "the values have only digits, but leading zeros or too many digits for a number".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(texts: &[&str]) -> String {
        let values = texts.iter().map(|text| Some(*text)).collect::<Vec<_>>();
        let InferredType { kind, remark, .. } = infer_type(&values);
        let format = match &kind {
            ColumnType::Date { format } | ColumnType::Timestamp { format, .. } => {
                format!(" {format}")
            }
            _ => String::new(),
        };
        format!("{kind}{format}{}", if remark.is_some() { " ?" } else { "" })
    }

    #[test]
    fn codes_are_never_numbers() {
        for texts in [
            ["00450", "12345"],
            ["7271092e13", "1234567890"],
            ["1e3", "2e4"],
            [".5", "1.5"],
            ["5.", "6."],
            ["+1", "2"],
        ] {
            assert!(kind(&texts).starts_with("string"), "{texts:?}");
        }
    }

    #[test]
    fn the_type_fits_all_values() {
        for (texts, expected) in [
            (["1", "20"], "int"),
            (["1", "3000000000"], "bigint"),
            (["1", "99999999999999999999"], "string ?"),
            (["450.0", "12.25"], "decimal(12,2) ?"),
            (["0.12345678901234", "123456"], "decimal(38,14) ?"),
            (["1", "0"], "boolean ?"),
            (["yes", "no"], "boolean"),
            (["1", "1"], "int"),
            (["2024-02-29", "2024-12-31"], "date %Y-%m-%d"),
            (["08-01-2026", "04-06-2024"], "date %d-%m-%Y ?"),
            (["08-01-2026", "24-06-2024"], "date %d-%m-%Y"),
            (["12/31/2024", "01/02/2024"], "date %m/%d/%Y"),
            (
                ["04-06-2024 13:25:00", "24-06-2024 13:25:00"],
                "timestamp %d-%m-%Y %H:%M:%S",
            ),
            (
                ["2024-01-01T00:00:00.5Z", "2024-01-01T00:00:00+01:00"],
                "timestamp %Y-%m-%dT%H:%M:%S%.f%z",
            ),
            (["2023-02-29", "2024-01-01"], "string"),
        ] {
            assert_eq!(kind(&texts), expected, "{texts:?}");
        }
        let empty = infer_type(&[None, None]);
        assert!(empty.nullable && empty.kind == ColumnType::String);
        assert!(infer_type(&[None, Some("1")]).nullable);
    }
}
