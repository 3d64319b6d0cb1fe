//! Parses durations on the command line.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// Parses a duration such as `90d`, `12h`, `30m` or `10s`.
///
/// # Errors
/// `Usage` for any other text, or if the duration does not fit into 64 bits of seconds.
pub fn duration(text: &str) -> Result<Duration> {
    let wrong = || {
        Error::new(
            ErrorKind::Usage,
            format!("`{text}` is not a valid duration"),
        )
        .hint("write a whole number and a unit, such as `90d`, `12h`, `30m` or `10s`")
    };
    let (number, seconds) = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)]
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)))
        .ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_a_unit() {
        assert_eq!(duration("90d").unwrap(), Duration::from_hours(90 * 24));
        assert_eq!(duration("30m").unwrap(), Duration::from_mins(30));
        assert_eq!(duration("5s").unwrap(), Duration::from_secs(5));
        for wrong in [
            "90",
            "d",
            "-1d",
            "1w",
            "",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(
                duration(wrong).unwrap_err().kind(),
                ErrorKind::Usage,
                "{wrong}"
            );
        }
    }
}
