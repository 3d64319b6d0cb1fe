//! Formats durations for people.

use chrono::TimeDelta;

/// Formats a span in its two largest units: `0 s`, `1.5 s`, `2 min 5 s`, `3 h 20 min`, `12 d 4 h`.
#[must_use]
pub fn time_span(span: TimeDelta) -> String {
    let milliseconds = span.num_milliseconds();
    let two = |large: i64, large_unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{large} {large_unit}")
        } else {
            format!("{large} {large_unit} {small} {small_unit}")
        }
    };
    match span.num_seconds() {
        ..60 => {
            let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
            let fraction = format!("{rest:03}");
            match fraction.trim_end_matches('0') {
                "" => format!("{seconds} s"),
                fraction => format!("{seconds}.{fraction} s"),
            }
        }
        seconds @ 60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        seconds @ 3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        seconds => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units_at_most() {
        let written = |milliseconds| time_span(TimeDelta::milliseconds(milliseconds));
        assert_eq!(written(0), "0 s");
        assert_eq!(written(1_500), "1.5 s");
        assert_eq!(written(59_999), "59.999 s");
        assert_eq!(written(60_000), "1 min");
        assert_eq!(written(125_000), "2 min 5 s");
        assert_eq!(written(12_000_000), "3 h 20 min");
        assert_eq!(written(1_051_200_000), "12 d 4 h");
    }
}
