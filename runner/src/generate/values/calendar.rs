//! Days and times of day as text, made once and copied from then on.

use super::random::{Weighted, position};

/// The first year whose days have a text.
const FIRST_YEAR: u64 = 2005;

/// The last one: driving licences run ten years past the rentals.
const LAST_YEAR: u64 = 2036;

/// The year in which rentals start: 366 days.
pub const RENTAL_YEAR: u64 = 2024;

/// Trade by month: a summer peak, a smaller one in December.
const SEASON: [u64; 12] = [70, 72, 82, 92, 101, 121, 136, 131, 103, 95, 84, 108];

/// Trade by weekday from Monday: it grows towards the week-end.
const WEEK: [u64; 7] = [88, 84, 90, 101, 127, 131, 104];

/// Pick-ups by hour: few at night, a peak in the morning and one after work.
const DAY: [u64; 24] = [
    6, 4, 3, 3, 5, 12, 26, 48, 70, 76, 68, 58, 52, 50, 49, 54, 66, 74, 62, 44, 32, 24, 16, 10,
];

/// The texts of all days from [`FIRST_YEAR`] to [`LAST_YEAR`] and of all five-minute slots of a day.
#[derive(Clone, Debug)]
pub struct Calendar {
    days: Vec<[u8; 10]>,
    slots: Vec<[u8; 8]>,
    season: Weighted,
    hours: Weighted,
}

impl Calendar {
    /// How many five-minute slots a day has.
    pub const SLOTS: u64 = 288;

    /// Writes the texts.
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
            season: Weighted::new(season),
            hours: Weighted::new(DAY),
        }
    }

    /// The number of a year's first day, counted from the first day that has a text.
    pub fn year(year: u64) -> u64 {
        (FIRST_YEAR..year)
            .flat_map(|year| (1..=12).map(move |month| month_days(year, month)))
            .sum()
    }

    /// How busy the days of the rental year are, by their position in it.
    pub fn season(&self) -> &Weighted {
        &self.season
    }

    /// How busy the hours of a day are.
    pub fn hours(&self) -> &Weighted {
        &self.hours
    }

    /// A day as `YYYY-MM-DD`.
    #[inline]
    pub fn iso(&self, day: u64) -> &[u8; 10] {
        &self.days[position(day)]
    }

    /// Appends a day as `DD-MM-YYYY`.
    pub fn write_day_first(&self, day: u64, out: &mut Vec<u8>) {
        let [y0, y1, y2, y3, _, m0, m1, _, d0, d1] = *self.iso(day);
        out.extend_from_slice(&[d0, d1, b'-', m0, m1, b'-', y0, y1, y2, y3]);
    }

    /// A five-minute slot of the day as `HH:MM:SS`.
    #[inline]
    pub fn time(&self, slot: u64) -> &[u8; 8] {
        &self.slots[position(slot)]
    }
}

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
