//! Days and times of day as text. They are formatted once, so that rows only copy them.

use crate::generate::values::random::{WeightedIndex, position};

/// The first year of the calendar.
const FIRST_YEAR: u64 = 2005;

/// The last year of the calendar: driver licenses are valid for up to ten years after the rentals.
const LAST_YEAR: u64 = 2036;

/// The year in which all rentals start; it has 366 days.
pub const RENTAL_YEAR: u64 = 2024;

/// The weights of the months: a peak in summer, a smaller one in December.
const SEASON: [u64; 12] = [70, 72, 82, 92, 101, 121, 136, 131, 103, 95, 84, 108];

/// The weights of the weekdays from Monday to Sunday: demand grows toward the weekend.
const WEEK: [u64; 7] = [88, 84, 90, 101, 127, 131, 104];

/// The weights of the hours: few pick-ups at night, a peak in the morning and one after work.
const DAY: [u64; 24] = [
    6, 4, 3, 3, 5, 12, 26, 48, 70, 76, 68, 58, 52, 50, 49, 54, 66, 74, 62, 44, 32, 24, 16, 10,
];

/// The texts of all days from [`FIRST_YEAR`] to [`LAST_YEAR`] and of all five-minute slots of a day.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// The days as `YYYY-MM-DD`, from the first of [`FIRST_YEAR`].
    days: Vec<[u8; 10]>,
    /// The start times of the slots as `HH:MM:SS`, from midnight.
    slots: Vec<[u8; 8]>,
    /// The weights of the days of [`RENTAL_YEAR`]: the weight of the month times that of the weekday.
    season: WeightedIndex,
    /// The weights of the 24 hours.
    hours: WeightedIndex,
}

impl Calendar {
    /// The number of five-minute slots of a day.
    pub const SLOTS: u64 = 288;

    /// Creates the calendar and formats all its texts.
    pub fn new() -> Self {
        let mut days = Vec::new();
        let mut season = Vec::new();
        for year in FIRST_YEAR..=LAST_YEAR {
            for (month, weight) in (1..).zip(SEASON) {
                for day in 1..=month_days(year, month) {
                    if year == RENTAL_YEAR {
                        // 2005 began on a Saturday, the sixth day from Monday.
                        season.push(weight * WEEK[(days.len() + 5) % 7]);
                    }
                    days.push(text(&format!("{year:04}-{month:02}-{day:02}")));
                }
            }
        }
        let slots = (0..Self::SLOTS)
            .map(|slot| text(&format!("{:02}:{:02}:00", slot / 12, slot % 12 * 5)))
            .collect();
        Self {
            days,
            slots,
            season: WeightedIndex::new(season),
            hours: WeightedIndex::new(DAY),
        }
    }

    /// Returns the number of a year's first day; days are counted from 0 at the first day of the calendar.
    pub fn year(year: u64) -> u64 {
        (FIRST_YEAR..year)
            .flat_map(|year| (1..=12).map(move |month| month_days(year, month)))
            .sum()
    }

    /// Returns the weights of the days of the rental year.
    pub fn season(&self) -> &WeightedIndex {
        &self.season
    }

    /// Returns the weights of the hours of a day.
    pub fn hours(&self) -> &WeightedIndex {
        &self.hours
    }

    /// Returns the text of a day as `YYYY-MM-DD`.
    #[inline]
    pub fn iso(&self, day: u64) -> &[u8; 10] {
        &self.days[position(day)]
    }

    /// Appends a day as `DD-MM-YYYY`.
    pub fn write_day_first(&self, day: u64, out: &mut Vec<u8>) {
        let [y0, y1, y2, y3, _, m0, m1, _, d0, d1] = *self.iso(day);
        out.extend_from_slice(&[d0, d1, b'-', m0, m1, b'-', y0, y1, y2, y3]);
    }

    /// Returns the start time of a five-minute slot as `HH:MM:SS`.
    #[inline]
    pub fn time(&self, slot: u64) -> &[u8; 8] {
        &self.slots[position(slot)]
    }
}

/// Returns the number of days of a month in the Gregorian calendar; January is 1.
fn month_days(year: u64, month: u64) -> u64 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Converts a text of exactly `N` bytes to an array.
fn text<const N: usize>(text: &str) -> [u8; N] {
    text.as_bytes()
        .try_into()
        .expect("days and times have a fixed width")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_agree_with_a_known_calendar() {
        let calendar = Calendar::new();
        assert_eq!(Calendar::year(2024), 6_939);
        assert_eq!(calendar.iso(6_939 + 59), b"2024-02-29");
        assert_eq!(calendar.iso(6_939 + 366), b"2025-01-01");
        let mut text = Vec::new();
        calendar.write_day_first(6_939, &mut text);
        assert_eq!(text, b"01-01-2024");
        assert_eq!(calendar.time(97), b"08:05:00");
    }
}
