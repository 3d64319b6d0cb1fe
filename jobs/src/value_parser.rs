//! Parses texts into typed values: values of `--param`, defaults of parameters, and sample fields for type inference.

use datafusion::common::ScalarValue;

use crate::contract::ColumnType;
use crate::time_pattern::{Item, TimePattern};

/// Parses a text as a value of a type, as strictly as a field of a file is parsed.
///
/// # Errors
/// A message that names the expected form if the text is not a valid value.
pub(crate) fn parse(kind: &ColumnType, text: &str) -> Result<ScalarValue, String> {
    let refuse =
        |expected: String| format!("`{text}` is not a valid `{kind}`: expected {expected}");
    let value = match kind {
        ColumnType::String => ScalarValue::Utf8View(Some(text.to_owned())),
        ColumnType::Int => {
            ScalarValue::Int32(Some(text.parse().ok().ok_or_else(|| {
                refuse(format!("a whole number from {} to {}", i32::MIN, i32::MAX))
            })?))
        }
        ColumnType::Bigint => {
            ScalarValue::Int64(Some(text.parse().ok().ok_or_else(|| {
                refuse(format!("a whole number from {} to {}", i64::MIN, i64::MAX))
            })?))
        }
        ColumnType::Double => ScalarValue::Float64(Some(
            text.parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(|| refuse("a finite number".to_owned()))?,
        )),
        ColumnType::Decimal { precision, scale } => ScalarValue::Decimal128(
            Some(decimal(text, *precision, *scale).ok_or_else(|| {
                refuse(format!(
                    "a decimal number with at most {} digits before the point and {scale} after it",
                    precision - scale
                ))
            })?),
            *precision,
            scale.cast_signed(),
        ),
        ColumnType::Date { format } => {
            let moment = moment(format, text)
                .ok_or_else(|| refuse(format!("an existing date in the format `{format}`")))?;
            ScalarValue::Date32(Some(moment.days))
        }
        ColumnType::Timestamp { format, utc } => {
            let moment = moment(format, text).ok_or_else(|| {
                refuse(format!(
                    "an existing date and time in the format `{format}`"
                ))
            })?;
            ScalarValue::TimestampMicrosecond(
                Some(moment.microseconds()),
                utc.then(|| "UTC".into()),
            )
        }
        ColumnType::Boolean { yes, no } => {
            let value = if yes.iter().any(|yes| yes == text) {
                true
            } else if no.iter().any(|no| no == text) {
                false
            } else {
                return Err(refuse(format!(
                    "`{}` or `{}`",
                    yes.join("`, `"),
                    no.join("`, `")
                )));
            };
            ScalarValue::Boolean(Some(value))
        }
    };
    Ok(value)
}

/// Parses a decimal number and returns it as an integer with `scale` digits after the point: `4.5` with a scale of 2 is
/// 450. Returns `None` if the text is not a number or has more digits than the type allows.
fn decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(scale) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let units = format!("{whole}{fraction:0<width$}", width = usize::from(scale));
    if units.trim_start_matches('0').len() > usize::from(precision) {
        return None;
    }
    let units = if units.is_empty() {
        0
    } else {
        units.parse::<i128>().ok()?
    };
    Some(if negative { -units } else { units })
}

/// A point in time, split into days and the time of the day.
struct Moment {
    /// Days since 1970-01-01.
    days: i32,
    /// Seconds since the start of day `days`. An offset in the text can make them negative or larger than a day.
    seconds: i64,
    /// Fraction of the second, in microseconds.
    micros: i64,
}

impl Moment {
    /// Returns the microseconds since 1970-01-01.
    fn microseconds(&self) -> i64 {
        (i64::from(self.days) * 86_400 + self.seconds) * 1_000_000 + self.micros
    }
}

/// Parses a text by a `strftime` pattern; `None` if the text does not match or the date does not exist.
fn moment(format: &str, text: &str) -> Option<Moment> {
    let pattern = TimePattern::parse(format).ok()?;
    let mut rest = text;
    let (mut year, mut month, mut day) = (1970, 1, 1);
    let (mut hour, mut minute, mut second, mut micros, mut offset) = (0, 0, 0, 0, 0);
    for item in pattern.items() {
        match item {
            Item::Literal(character) => rest = rest.strip_prefix(*character)?,
            Item::Year => year = digits(&mut rest, 4)?,
            Item::ShortYear => {
                year = digits(&mut rest, 2)?;
                year += if year >= 69 { 1900 } else { 2000 };
            }
            Item::Month => month = digits(&mut rest, 2)?,
            Item::MonthName => {
                let name = rest.get(..3)?;
                let at = MONTHS
                    .iter()
                    .position(|month| month.eq_ignore_ascii_case(name))?;
                month = i64::try_from(at).ok()? + 1;
                rest = &rest[3..];
            }
            Item::Day => day = digits(&mut rest, 2)?,
            Item::SpacedDay => {
                let spaced = rest.strip_prefix(' ');
                let two =
                    spaced.is_none() && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
                rest = spaced.unwrap_or(rest);
                day = digits(&mut rest, if two { 2 } else { 1 })?;
            }
            Item::Hour => hour = digits(&mut rest, 2).filter(|hour| *hour < 24)?,
            Item::Minute => minute = digits(&mut rest, 2).filter(|minute| *minute < 60)?,
            Item::Second => second = digits(&mut rest, 2).filter(|second| *second < 60)?,
            Item::Fraction => micros = fraction(&mut rest)?,
            Item::PointFraction => {
                if let Some(after) = rest.strip_prefix('.') {
                    rest = after;
                    micros = fraction(&mut rest)?;
                }
            }
            Item::Offset => offset = offset_seconds(&mut rest)?,
        }
    }
    let days = days_from_civil(year, month, day)?;
    let seconds = hour * 3600 + minute * 60 + second - offset;
    rest.is_empty().then_some(Moment {
        days,
        seconds,
        micros,
    })
}

/// First three letters of the English month names, which `%b` matches in any case.
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Removes exactly `count` digits from the start of a text and returns their value.
fn digits(rest: &mut &str, count: usize) -> Option<i64> {
    let (digits, after) = rest.split_at_checked(count)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    *rest = after;
    digits.parse().ok()
}

/// Removes one to six digits from the start of a text and returns them as a fraction of a second, in microseconds.
fn fraction(rest: &mut &str) -> Option<i64> {
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=6).contains(&count) {
        return None;
    }
    let value = digits(rest, count)?;
    Some((count..6).fold(value, |value, _| value * 10))
}

/// Removes an offset, such as `Z` or `+01:30`, from the start of a text and returns it in seconds east of UTC.
fn offset_seconds(rest: &mut &str) -> Option<i64> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Some(0);
    }
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    *rest = &rest[1..];
    let hours = digits(rest, 2).filter(|hours| *hours < 24)?;
    let colon = rest.strip_prefix(':');
    let mut after = colon.unwrap_or(rest);
    let minutes = match digits(&mut after, 2) {
        Some(minutes) if minutes < 60 => {
            *rest = after;
            minutes
        }
        None if colon.is_none() => 0,
        _ => return None,
    };
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Converts a date of the Gregorian calendar to days since 1970-01-01; `None` if the date does not exist.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let before =
        |year: i64| year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let of_year = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
        [usize::try_from(month - 1).ok()?]
        + i64::from(leap && month > 2);
    i32::try_from(before(year - 1) - before(1969) + of_year + day - 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str, format: &str) -> Option<i32> {
        moment(format, text).map(|moment| moment.days)
    }

    #[test]
    fn days_are_counted_from_1970() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-03-01", 11_017),
            ("2024-02-29", 19_782),
            ("0001-01-01", -719_162),
        ] {
            assert_eq!(date(text, "%F"), Some(days), "{text}");
        }
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-1-1",
            "2024-01-01 ",
            "24-01-01",
        ] {
            assert_eq!(date(text, "%F"), None, "{text}");
        }
        assert_eq!(date("5 FEB 70", "%e %b %y"), Some(35));
        assert_eq!(date("15 Feb 70", "%e %b %y"), Some(45));
    }

    #[test]
    fn moments_become_utc() {
        let read = |text| moment("%FT%T%.f%z", text).map(|moment| moment.microseconds());
        assert_eq!(read("1970-01-01T01:00:00.5+01:00"), Some(500_000));
        assert_eq!(read("1970-01-01T00:00:00-0130"), Some(5_400_000_000));
        assert_eq!(read("1970-01-01T00:00:01Z"), Some(1_000_000));
        assert_eq!(read("1970-01-01T00:00:60Z"), None);
    }

    #[test]
    fn decimals_hold_what_their_type_holds_and_are_never_rounded() {
        for (text, units) in [
            ("450.0", Some(45_000)),
            ("-0.05", Some(-5)),
            (".5", Some(50)),
            ("7.100", Some(710)),
            ("0", Some(0)),
        ] {
            assert_eq!(decimal(text, 5, 2), units, "{text}");
        }
        for text in ["1.005", "1000", "1e3", "", ".", "-", "1,5", "٣"] {
            assert_eq!(decimal(text, 5, 2), None, "{text}");
        }
    }

    #[test]
    fn a_wrong_value_names_what_was_expected() {
        let kind = ColumnType::Date {
            format: "%Y-%m-%d".to_owned(),
        };
        assert_eq!(
            parse(&kind, "01.02.2024"),
            Err(
                "`01.02.2024` is not a valid `date`: expected an existing date in the format `%Y-%m-%d`"
                    .to_owned()
            )
        );
    }
}
