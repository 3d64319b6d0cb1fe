//! Parses numbers exactly: only floating-point numbers are rounded, and an overflow is an error.

/// The reason why a text is not a number of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotANumber {
    /// The text does not have the form of a number.
    Shape,
    /// The number is outside the type's range.
    Range,
    /// The number has this many digits after the decimal point, more than the type allows.
    Decimals(usize),
}

/// Parses an integer: an optional sign and digits, and nothing else.
///
/// # Errors
/// [`NotANumber::Shape`] or [`NotANumber::Range`].
#[inline]
pub(crate) fn integer(text: &[u8]) -> Result<i64, NotANumber> {
    let (negative, digits) = sign(text);
    if digits.is_empty() {
        return Err(NotANumber::Shape);
    }
    // 18 digits cannot overflow, so the common case needs no checks.
    if digits.len() <= 18 {
        let mut value = 0_i64;
        for digit in digits {
            let digit = digit.wrapping_sub(b'0');
            if digit > 9 {
                return Err(NotANumber::Shape);
            }
            value = value * 10 + i64::from(digit);
        }
        return Ok(if negative { -value } else { value });
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotANumber::Shape);
    }
    digits
        .iter()
        .try_fold(0_i64, |value, digit| {
            let digit = i64::from(digit - b'0');
            value
                .checked_mul(10)?
                .checked_add(if negative { -digit } else { digit })
        })
        .ok_or(NotANumber::Range)
}

/// Parses a decimal to its unscaled value, which must be below `limit`. A text with more than `scale` digits after the
/// decimal point is rejected, not rounded.
///
/// # Errors
/// Any [`NotANumber`].
#[inline]
pub(crate) fn decimal(text: &[u8], limit: i128, scale: usize) -> Result<i128, NotANumber> {
    let (negative, digits) = sign(text);
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&digits[..point], &digits[point + 1..]),
        None => (digits, &[][..]),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(NotANumber::Shape);
    }
    // 18 digits fit in 64 bits, and 64-bit arithmetic is faster than 128-bit arithmetic.
    let value = if whole.len() + scale <= 18 && fraction.len() <= scale {
        let mut value = 0_u64;
        for digit in whole.iter().chain(fraction) {
            let digit = digit.wrapping_sub(b'0');
            if digit > 9 {
                return Err(NotANumber::Shape);
            }
            value = value * 10 + u64::from(digit);
        }
        for _ in fraction.len()..scale {
            value *= 10;
        }
        i128::from(value)
    } else {
        long_decimal(whole, fraction, scale)?
    };
    if value >= limit {
        return Err(NotANumber::Range);
    }
    Ok(if negative { -value } else { value })
}

/// Parses a finite floating-point number; unlike Rust's own syntax, `inf` and `NaN` are rejected.
///
/// # Errors
/// [`NotANumber::Shape`] or [`NotANumber::Range`].
pub(crate) fn double(text: &[u8]) -> Result<f64, NotANumber> {
    let text = std::str::from_utf8(text).ok().filter(|text| {
        text.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
    });
    let value = text
        .and_then(|text| text.parse::<f64>().ok())
        .ok_or(NotANumber::Shape)?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(NotANumber::Range)
    }
}

/// Parses a decimal of any length with overflow checks, and determines the reason if it is invalid.
#[cold]
fn long_decimal(whole: &[u8], fraction: &[u8], scale: usize) -> Result<i128, NotANumber> {
    if !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(NotANumber::Shape);
    }
    if fraction.len() > scale {
        return Err(NotANumber::Decimals(fraction.len()));
    }
    let padding = std::iter::repeat_n(&b'0', scale - fraction.len());
    whole
        .iter()
        .chain(fraction)
        .chain(padding)
        .try_fold(0_i128, |value, digit| {
            value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))
        })
        .ok_or(NotANumber::Range)
}

/// Splits an optional sign off a text; returns `true` for a minus, and the rest of the text.
#[inline]
fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_to_their_limits() {
        assert_eq!(integer(b"-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(integer(b"9223372036854775807"), Ok(i64::MAX));
        assert_eq!(integer(b"9223372036854775808"), Err(NotANumber::Range));
        assert_eq!(integer(b"0042"), Ok(42));
        for text in [
            &b""[..],
            b"-",
            b"1.0",
            b"1 ",
            b"7271092e13",
            b"12345678901234567890x",
        ] {
            assert_eq!(integer(text), Err(NotANumber::Shape));
        }
    }

    #[test]
    fn decimals_are_exact_and_never_rounded() {
        let limit = 10_i128.pow(12);
        assert_eq!(decimal(b"450.0", limit, 2), Ok(45_000));
        assert_eq!(decimal(b"-.5", limit, 2), Ok(-50));
        assert_eq!(decimal(b"9999999999.99", limit, 2), Ok(999_999_999_999));
        assert_eq!(decimal(b"10000000000.00", limit, 2), Err(NotANumber::Range));
        assert_eq!(decimal(b"1.234", limit, 2), Err(NotANumber::Decimals(3)));
        assert_eq!(decimal(b"00000000000000000000001.5", limit, 2), Ok(150));
        let most = "9".repeat(38);
        assert_eq!(
            decimal(most.as_bytes(), 10_i128.pow(38), 0),
            Ok(10_i128.pow(38) - 1)
        );
        assert_eq!(
            decimal(format!("{most}9").as_bytes(), 10_i128.pow(38), 0),
            Err(NotANumber::Range)
        );
        for text in [&b""[..], b".", b"1e5", b"1,5", b"1.2.3", b"--1"] {
            assert_eq!(decimal(text, limit, 2), Err(NotANumber::Shape));
        }
    }

    #[test]
    fn doubles_are_finite() {
        assert_eq!(double(b"-1.5e3"), Ok(-1500.0));
        assert_eq!(double(b"1e999"), Err(NotANumber::Range));
        assert_eq!(double(b"NaN"), Err(NotANumber::Shape));
    }
}
