//! Reads dates and timestamps by a `strftime` pattern that was compiled once.

use std::fmt::Write as _;

const MONTHS: [&str; 12] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
];

const MICROSECONDS_A_SECOND: i64 = 1_000_000;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct TimePattern {
    pattern: String,
    items: Vec<Item>,
    /// Set where every item has one width and is made of digits or literals: most patterns in use.
    fixed: Option<Fixed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Literal(Vec<u8>),
    Number(Part),
    MonthName { long: bool },
    HalfOfDay,
    Fraction { dot: bool },
    Offset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    ShortYear,
    Month,
    Day,
    DayOfYear,
    Hour,
    HourOfHalf,
    Minute,
    Second,
}

/// Where each part stands in a text of fixed length.
#[derive(Clone, Debug, Default)]
struct Fixed {
    length: usize,
    year: usize,
    month: usize,
    day: usize,
    hour: Option<usize>,
    minute: Option<usize>,
    second: Option<usize>,
    literals: Vec<(usize, u8)>,
}

/// What a text said, before it is checked.
#[derive(Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    microsecond: i64,
    offset_seconds: i64,
}

impl TimePattern {
    /// Compiles a pattern; the error is the part of it that is not understood.
    pub(super) fn compile(pattern: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        compile_into(pattern, &mut items)?;
        Ok(Self {
            pattern: pattern.to_owned(),
            fixed: fixed_layout(&items),
            items,
        })
    }

    /// Days since 1970-01-01.
    pub(super) fn date(&self, text: &[u8]) -> Option<i32> {
        let microseconds = self.timestamp(text)?;
        i32::try_from(microseconds.div_euclid(86_400 * MICROSECONDS_A_SECOND)).ok()
    }

    /// Microseconds since 1970-01-01 00:00:00.
    pub(super) fn timestamp(&self, text: &[u8]) -> Option<i64> {
        match &self.fixed {
            Some(fixed) => fixed.timestamp(text),
            None => self.parts(text)?.timestamp(),
        }
    }

    fn parts(&self, text: &[u8]) -> Option<Parts> {
        let mut rest = text;
        let mut parts = Parts::default();
        for item in &self.items {
            match item {
                Item::Literal(literal) => rest = rest.strip_prefix(literal.as_slice())?,
                Item::Number(part) => {
                    let (digits, after) = rest.split_at_checked(part.width())?;
                    parts.set(*part, number(digits)?);
                    rest = after;
                }
                Item::MonthName { long } => {
                    let (index, length) = MONTHS.iter().enumerate().find_map(|(index, name)| {
                        let name = if *long { name } else { &name[..3] };
                        let found = rest.get(..name.len())?;
                        found
                            .eq_ignore_ascii_case(name.as_bytes())
                            .then_some((index, name.len()))
                    })?;
                    parts.month = i64::try_from(index + 1).ok();
                    rest = &rest[length..];
                }
                Item::HalfOfDay => {
                    let (half, after) = rest.split_at_checked(2)?;
                    parts.afternoon = Some(match half.to_ascii_uppercase().as_slice() {
                        b"AM" => false,
                        b"PM" => true,
                        _ => return None,
                    });
                    rest = after;
                }
                Item::Fraction { dot } => {
                    if *dot {
                        let Some(after) = rest.strip_prefix(b".") else {
                            continue;
                        };
                        rest = after;
                    }
                    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    if length == 0 || length > 6 {
                        return None;
                    }
                    let scale = 10_i64.pow(6 - u32::try_from(length).ok()?);
                    parts.microsecond = number(&rest[..length])? * scale;
                    rest = &rest[length..];
                }
                Item::Offset => (parts.offset_seconds, rest) = zone_offset(rest)?,
            }
        }
        rest.is_empty().then_some(parts)
    }
}

impl std::fmt::Display for TimePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.pattern)
    }
}

impl Part {
    fn width(self) -> usize {
        match self {
            Self::Year => 4,
            Self::DayOfYear => 3,
            _ => 2,
        }
    }
}

impl Parts {
    fn set(&mut self, part: Part, value: i64) {
        match part {
            Part::Year => self.year = value,
            // As POSIX reads it: 69 to 99 are the last century.
            Part::ShortYear => self.year = value + if value < 69 { 2000 } else { 1900 },
            Part::Month => self.month = Some(value),
            Part::Day => self.day = Some(value),
            Part::DayOfYear => self.day_of_year = Some(value),
            Part::Hour | Part::HourOfHalf => self.hour = value,
            Part::Minute => self.minute = value,
            Part::Second => self.second = value,
        }
    }

    fn timestamp(&self) -> Option<i64> {
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        let days = match self.day_of_year {
            Some(day) => {
                let length = if is_leap(self.year) { 366 } else { 365 };
                if !(1..=length).contains(&day) {
                    return None;
                }
                days_from_civil(self.year, 1, 1)? + day - 1
            }
            None => days_from_civil(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1))?,
        };
        let seconds = seconds(days, hour, self.minute, self.second)? - self.offset_seconds;
        Some(seconds * MICROSECONDS_A_SECOND + self.microsecond)
    }
}

impl Fixed {
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

fn compile_into(pattern: &str, items: &mut Vec<Item>) -> Result<(), String> {
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            let mut bytes = [0; 4];
            literal(items, character.encode_utf8(&mut bytes).as_bytes());
            continue;
        }
        let Some(mut letter) = characters.next() else {
            return Err("%".to_owned());
        };
        let dot = letter == '.';
        if dot {
            letter = characters.next().unwrap_or('.');
        }
        match letter {
            'f' => items.push(Item::Fraction { dot }),
            _ if dot => return Err(format!("%.{letter}")),
            'Y' => items.push(Item::Number(Part::Year)),
            'y' => items.push(Item::Number(Part::ShortYear)),
            'm' => items.push(Item::Number(Part::Month)),
            'd' => items.push(Item::Number(Part::Day)),
            'j' => items.push(Item::Number(Part::DayOfYear)),
            'H' => items.push(Item::Number(Part::Hour)),
            'I' => items.push(Item::Number(Part::HourOfHalf)),
            'M' => items.push(Item::Number(Part::Minute)),
            'S' => items.push(Item::Number(Part::Second)),
            'b' => items.push(Item::MonthName { long: false }),
            'B' => items.push(Item::MonthName { long: true }),
            'p' => items.push(Item::HalfOfDay),
            'z' => items.push(Item::Offset),
            'F' => compile_into("%Y-%m-%d", items)?,
            'T' => compile_into("%H:%M:%S", items)?,
            'R' => compile_into("%H:%M", items)?,
            '%' => literal(items, b"%"),
            other => {
                let mut part = String::from("%");
                write!(part, "{other}").expect("writing to a string cannot fail");
                return Err(part);
            }
        }
    }
    Ok(())
}

fn literal(items: &mut Vec<Item>, bytes: &[u8]) {
    if let Some(Item::Literal(before)) = items.last_mut() {
        before.extend_from_slice(bytes);
    } else {
        items.push(Item::Literal(bytes.to_vec()));
    }
}

fn fixed_layout(items: &[Item]) -> Option<Fixed> {
    let mut fixed = Fixed::default();
    let (mut year, mut month, mut day) = (None, None, None);
    for item in items {
        match item {
            Item::Literal(bytes) => {
                for byte in bytes {
                    fixed.literals.push((fixed.length, *byte));
                    fixed.length += 1;
                }
            }
            Item::Number(part) => {
                let place = match part {
                    Part::Year => &mut year,
                    Part::Month => &mut month,
                    Part::Day => &mut day,
                    Part::Hour => &mut fixed.hour,
                    Part::Minute => &mut fixed.minute,
                    Part::Second => &mut fixed.second,
                    Part::ShortYear | Part::DayOfYear | Part::HourOfHalf => return None,
                };
                if place.replace(fixed.length).is_some() {
                    return None;
                }
                fixed.length += part.width();
            }
            _ => return None,
        }
    }
    fixed.year = year?;
    fixed.month = month?;
    fixed.day = day?;
    Some(fixed)
}

fn zone_offset(text: &[u8]) -> Option<(i64, &[u8])> {
    if let Some(rest) = text.strip_prefix(b"Z") {
        return Some((0, rest));
    }
    let (sign, rest) = match text.split_first()? {
        (b'+', rest) => (1, rest),
        (b'-', rest) => (-1, rest),
        _ => return None,
    };
    let (hours, rest) = rest.split_at_checked(2)?;
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let (minutes, rest) = rest.split_at_checked(2)?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some((sign * (hours * 3600 + minutes * 60), rest))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |value, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + i64::from(digit))
    })
}

#[inline]
fn two(text: &[u8], position: usize) -> Option<i64> {
    let tens = text[position].wrapping_sub(b'0');
    let ones = text[position + 1].wrapping_sub(b'0');
    (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
}

#[inline]
fn seconds(days: i64, hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 24 && minute < 60 && second < 60)
        .then(|| days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; years begin in March here, so that leap days come last.
#[inline]
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    const LENGTHS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month - 1).ok()?;
    let length = i64::from(*LENGTHS.get(index)?) + i64::from(month == 2 && is_leap(year));
    if day < 1 || day > length {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;

    fn timestamp(pattern: &str, text: &str) -> Option<i64> {
        TimePattern::compile(pattern)
            .unwrap()
            .timestamp(text.as_bytes())
    }

    #[test]
    fn every_day_of_eight_centuries_is_read_as_chrono_reads_it() {
        let pattern = TimePattern::compile("%d-%m-%Y").unwrap();
        let first = NaiveDate::from_ymd_opt(1600, 1, 1).unwrap();
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        for day in 0..292_194 {
            let date = first.checked_add_days(Days::new(day)).unwrap();
            let text = date.format("%d-%m-%Y").to_string();
            let expected = i32::try_from((date - epoch).num_days()).unwrap();
            assert_eq!(pattern.date(text.as_bytes()), Some(expected), "{text}");
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
            assert_eq!(timestamp("%Y-%m-%d %H:%M:%S", text), None, "{text}");
        }
    }

    #[test]
    fn names_halves_fractions_and_offsets_are_read() {
        let noon = timestamp("%Y-%m-%d %H:%M:%S", "2024-02-28 12:05:00");
        assert_eq!(timestamp("%d %b %Y %I:%M %p", "28 Feb 2024 12:05 PM"), noon);
        assert_eq!(timestamp("%B %d, %Y %R", "February 28, 2024 12:05"), noon);
        assert_eq!(timestamp("%y%j %T", "24059 12:05:00"), noon);
        assert_eq!(timestamp("%FT%T%z", "2024-02-28T14:05:00+02:00"), noon);
        assert_eq!(
            timestamp("%FT%T%.f%z", "2024-02-28T12:05:00.25Z"),
            noon.map(|value| value + 250_000)
        );
    }

    #[test]
    fn an_unknown_part_is_named() {
        assert_eq!(TimePattern::compile("%Y-%Q").unwrap_err(), "%Q");
    }
}
