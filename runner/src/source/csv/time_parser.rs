//! Parses dates and timestamps by a contract's pattern.

use drivetrain_jobs::time_pattern::{Item, PatternError, TimePattern};

/// The abbreviated names of the months, in lower case.
const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// The number of microseconds per second; the contract's timestamps are stored in microseconds.
const MICROSECONDS_A_SECOND: i64 = 1_000_000;

/// Parser of dates and timestamps in one pattern.
#[derive(Clone, Debug)]
pub(crate) struct TimeParser {
    /// The pattern as the contract writes it.
    text: String,
    /// The parsed pattern, whose items are read in order.
    pattern: TimePattern,
    /// The positions of year, month, day and time if every item of the pattern has a fixed width, as in most patterns;
    /// else `None`.
    fixed: Option<Fixed>,
}

/// The positions of year, month, day and time in a text of fixed length.
#[derive(Clone, Debug, Default)]
struct Fixed {
    /// The length of the text in bytes.
    length: usize,
    /// The position of the four digits of the year.
    year: usize,
    /// The position of the two digits of the month.
    month: usize,
    /// The position of the two digits of the day.
    day: usize,
    /// The position of the two digits of the hour, if the pattern has one.
    hour: Option<usize>,
    /// The position of the two digits of the minute, if the pattern has one.
    minute: Option<usize>,
    /// The position of the two digits of the second, if the pattern has one.
    second: Option<usize>,
    /// The positions and values of the bytes that must match exactly.
    literals: Vec<(usize, u8)>,
}

/// The numbers that were read from a text, before it is checked that such a time exists.
#[derive(Default)]
struct TimeParts {
    /// The year, with its century.
    year: i64,
    /// The month, counted from 1.
    month: i64,
    /// The day of the month, counted from 1.
    day: i64,
    /// The hour of the day.
    hour: i64,
    /// The minute of the hour.
    minute: i64,
    /// The second of the minute.
    second: i64,
    /// The fraction of the second, in microseconds.
    microsecond: i64,
    /// The offset from UTC, positive to the east.
    offset_seconds: i64,
}

impl TimeParser {
    /// Prepares a parser for a pattern.
    ///
    /// # Errors
    /// [`PatternError`] if the text is not a valid pattern.
    pub(crate) fn new(text: &str) -> Result<Self, PatternError> {
        let pattern = TimePattern::parse(text)?;
        Ok(Self {
            text: text.to_owned(),
            fixed: fixed_layout(pattern.items()),
            pattern,
        })
    }

    /// Returns the pattern as the contract writes it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Parses a date to days since 1970-01-01; `None` if the text does not match or the date does not exist.
    pub(crate) fn date(&self, text: &[u8]) -> Option<i32> {
        let microseconds = self.timestamp(text)?;
        i32::try_from(microseconds.div_euclid(86_400 * MICROSECONDS_A_SECOND)).ok()
    }

    /// Parses a timestamp to microseconds since 1970-01-01 00:00:00; `None` if the text does not match or the time does
    /// not exist.
    #[inline]
    pub(crate) fn timestamp(&self, text: &[u8]) -> Option<i64> {
        match &self.fixed {
            Some(fixed) => fixed.timestamp(text),
            None => self.parts(text)?.timestamp(),
        }
    }

    /// Reads all items of the pattern in order; `None` if one does not match or text is left over.
    fn parts(&self, text: &[u8]) -> Option<TimeParts> {
        let mut rest = text;
        let mut parts = TimeParts::default();
        for item in self.pattern.items() {
            rest = parts.read(*item, rest)?;
        }
        rest.is_empty().then_some(parts)
    }
}

impl TimeParts {
    /// Reads one item from the beginning of a text and returns the rest; `None` if the text does not match the item.
    fn read<'a>(&mut self, item: Item, text: &'a [u8]) -> Option<&'a [u8]> {
        let digits = |count: usize, part: &mut i64| {
            let (found, rest) = text.split_at_checked(count)?;
            *part = number(found)?;
            Some(rest)
        };
        match item {
            Item::Literal(character) => {
                let mut bytes = [0; 4];
                text.strip_prefix(character.encode_utf8(&mut bytes).as_bytes())
            }
            Item::Year => digits(4, &mut self.year),
            Item::ShortYear => {
                let rest = digits(2, &mut self.year)?;
                self.year += if self.year < 69 { 2000 } else { 1900 };
                Some(rest)
            }
            Item::Month => digits(2, &mut self.month),
            Item::MonthName => {
                let (name, rest) = text.split_at_checked(3)?;
                let index = MONTHS
                    .iter()
                    .position(|month| name.eq_ignore_ascii_case(*month))?;
                self.month = i64::try_from(index + 1).ok()?;
                Some(rest)
            }
            Item::Day => digits(2, &mut self.day),
            Item::SpacedDay => {
                let text = text.strip_prefix(b" ").unwrap_or(text);
                let length = digit_count(text).min(2);
                let (found, rest) = text.split_at_checked(length.max(1))?;
                self.day = number(found)?;
                Some(rest)
            }
            Item::Hour => digits(2, &mut self.hour),
            Item::Minute => digits(2, &mut self.minute),
            Item::Second => digits(2, &mut self.second),
            Item::Fraction => self.read_fraction(text),
            Item::PointFraction => match text.strip_prefix(b".") {
                Some(fraction) => self.read_fraction(fraction),
                None => Some(text),
            },
            Item::Offset => self.read_offset(text),
        }
    }

    /// Reads one to six digits of a fraction of a second.
    fn read_fraction<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        let length = digit_count(text);
        // More digits would have to be rounded, and values are never rounded.
        if !(1..=6).contains(&length) {
            return None;
        }
        let missing = u32::try_from(6 - length).ok()?;
        self.microsecond = number(&text[..length])? * 10_i64.pow(missing);
        Some(&text[length..])
    }

    /// Reads an offset from UTC: `Z`, `+hh`, `+hhmm` or `+hh:mm`.
    fn read_offset<'a>(&mut self, text: &'a [u8]) -> Option<&'a [u8]> {
        if let Some(rest) = text.strip_prefix(b"Z") {
            return Some(rest);
        }
        let (sign, rest) = match text.split_first()? {
            (b'+', rest) => (1, rest),
            (b'-', rest) => (-1, rest),
            _ => return None,
        };
        let (hours, rest) = rest.split_at_checked(2)?;
        let hours = number(hours)?;
        let (minutes, rest) = match rest {
            [b':', tens, ones, rest @ ..] => (number(&[*tens, *ones])?, rest),
            [tens, ones, rest @ ..] if tens.is_ascii_digit() => (number(&[*tens, *ones])?, rest),
            rest => (0, rest),
        };
        self.offset_seconds = sign * (hours * 3600 + minutes * 60);
        (hours < 24 && minutes < 60).then_some(rest)
    }

    /// Converts the numbers to microseconds since 1970-01-01 00:00:00; `None` if such a time does not exist.
    fn timestamp(&self) -> Option<i64> {
        let days = days_from_civil(self.year, self.month, self.day)?;
        let seconds = seconds(days, self.hour, self.minute, self.second)? - self.offset_seconds;
        Some(seconds * MICROSECONDS_A_SECOND + self.microsecond)
    }
}

impl Fixed {
    /// Parses a text at the known positions, which is faster than reading item by item.
    #[inline]
    fn timestamp(&self, text: &[u8]) -> Option<i64> {
        if text.len() != self.length {
            return None;
        }
        for (position, literal) in &self.literals {
            if text[*position] != *literal {
                return None;
            }
        }
        let year = two(text, self.year)? * 100 + two(text, self.year + 2)?;
        let days = days_from_civil(year, two(text, self.month)?, two(text, self.day)?)?;
        let part = |position: Option<usize>| position.map_or(Some(0), |at| two(text, at));
        let seconds = seconds(
            days,
            part(self.hour)?,
            part(self.minute)?,
            part(self.second)?,
        )?;
        Some(seconds * MICROSECONDS_A_SECOND)
    }
}

/// Computes the positions of year, month, day and time; `None` if an item has no fixed width or the date is incomplete.
fn fixed_layout(items: &[Item]) -> Option<Fixed> {
    let mut fixed = Fixed::default();
    let (mut year, mut month, mut day) = (None, None, None);
    for item in items {
        let (place, width) = match item {
            Item::Literal(character) => {
                let byte = u8::try_from(*character).ok().filter(u8::is_ascii)?;
                fixed.literals.push((fixed.length, byte));
                fixed.length += 1;
                continue;
            }
            Item::Year => (&mut year, 4),
            Item::Month => (&mut month, 2),
            Item::Day => (&mut day, 2),
            Item::Hour => (&mut fixed.hour, 2),
            Item::Minute => (&mut fixed.minute, 2),
            Item::Second => (&mut fixed.second, 2),
            _ => return None,
        };
        *place = Some(fixed.length);
        fixed.length += width;
    }
    fixed.year = year?;
    fixed.month = month?;
    fixed.day = day?;
    Some(fixed)
}

/// Counts the digits at the beginning of a text.
fn digit_count(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Parses digits to a number; `None` if another byte is among them.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |value, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + i64::from(digit))
    })
}

/// Parses the two digits at a position; `None` if either byte is not a digit.
#[inline]
fn two(text: &[u8], position: usize) -> Option<i64> {
    let tens = text[position].wrapping_sub(b'0');
    let ones = text[position + 1].wrapping_sub(b'0');
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

/// Converts a day and a time of day to seconds; `None` if the time does not exist. Leap seconds are rejected.
#[inline]
fn seconds(days: i64, hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 24 && minute < 60 && second < 60)
        .then(|| days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// `true` for a leap year of the Gregorian calendar.
fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Converts a date of the Gregorian calendar to days since 1970-01-01; `None` if the date does not exist.
///
/// Years begin in March here, so that the leap day is the last day of its year.
#[inline]
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    /// The days of each month, except the leap day.
    const LENGTHS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    /// The days before each month in a year that begins in March.
    const BEFORE: [u16; 12] = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];
    // The calendar repeats after 400 years; adding one such period keeps every number positive.
    /// The period of the calendar in years.
    const CYCLE_YEARS: i64 = 400;
    /// The period of the calendar in days.
    const CYCLE_DAYS: i64 = 146_097;
    let index = usize::try_from(month - 1).ok()?;
    let length = i64::from(*LENGTHS.get(index)?);
    let year = u32::try_from(year + CYCLE_YEARS).ok()?;
    if day < 1 || day > length + i64::from(month == 2 && is_leap(year)) {
        return None;
    }
    let year = year - u32::from(month <= 2);
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = i64::from(year) * 365 + i64::from(leap_days) + i64::from(BEFORE[index]) + day;
    Some(days - 719_469 - CYCLE_DAYS)
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;

    fn timestamp(pattern: &str, text: &str) -> Option<i64> {
        TimeParser::new(pattern).unwrap().timestamp(text.as_bytes())
    }

    #[test]
    fn every_day_of_eight_centuries_is_read_as_chrono_reads_it() {
        let reader = TimeParser::new("%d-%m-%Y").unwrap();
        let first = NaiveDate::from_ymd_opt(1600, 1, 1).unwrap();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        for day in 0..292_194 {
            let date = first.checked_add_days(Days::new(day)).unwrap();
            let text = date.format("%d-%m-%Y").to_string();
            let expected = i32::try_from((date - epoch).num_days()).unwrap();
            assert_eq!(reader.date(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn days_and_times_that_do_not_exist_are_refused() {
        for text in [
            "2023-02-29 00:00:00",
            "2024-13-01 00:00:00",
            "2024-00-10 00:00:00",
            "2024-01-32 00:00:00",
            "2024-01-10 24:00:00",
            "2024-01-10 10:60:00",
            "2024-01-10 10:00:60",
            "2024-01-10T10:00:00",
            "2024-01-10 10:00",
            " 2024-01-10 10:00:0",
        ] {
            assert_eq!(timestamp("%F %T", text), None, "{text}");
            // The same for a pattern without a fixed length.
            assert_eq!(timestamp("%F %T%.f", text), None, "{text}");
        }
    }

    #[test]
    fn names_short_years_fractions_and_offsets_are_read() {
        let noon = timestamp("%Y-%m-%d %H:%M:%S", "2024-02-28 12:05:00");
        assert!(noon.is_some());
        assert_eq!(timestamp("%d %b %Y %H:%M", "28 FEB 2024 12:05"), noon);
        assert_eq!(timestamp("%y/%m/%e %H:%M", "24/02/28 12:05"), noon);
        for offset in [
            "14:05:00+02",
            "14:05:00+0200",
            "10:35:00-01:30",
            "12:05:00Z",
        ] {
            let text = format!("2024-02-28T{offset}");
            assert_eq!(timestamp("%FT%T%z", &text), noon, "{text}");
        }
        let quarter = noon.map(|value| value + 250_000);
        assert_eq!(timestamp("%FT%T%.f%z", "2024-02-28T12:05:00.25Z"), quarter);
        assert_eq!(timestamp("%FT%T%.f%z", "2024-02-28T12:05:00Z"), noon);
        assert_eq!(timestamp("%FT%T.%f", "2024-02-28T12:05:00.1234567"), None);
    }

    #[test]
    fn a_day_may_be_padded_with_a_space() {
        let day = timestamp("%F", "2024-02-08");
        assert_eq!(timestamp("%b %e %Y", "Feb  8 2024"), day);
        assert_eq!(timestamp("%b %e %Y", "Feb 8 2024"), day);
    }
}
